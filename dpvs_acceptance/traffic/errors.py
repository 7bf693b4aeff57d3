"""Failures of an observation, as opposed to failures of the device."""

from __future__ import annotations


class TrafficError(Exception):
    """A station, its host or its interface failed; no statement about the device."""


class InconclusiveCapture(TrafficError):  # noqa: N818  (it is a state of the check, not only an error)
    """The observation proves nothing: frames were lost, or the positive control is missing.

    A check that raises this has failed as a check; it says nothing about the device.
    """


class NotSeen(AssertionError):  # noqa: N818  (a finding about the device)
    """Expected frames did not arrive before the deadline."""
