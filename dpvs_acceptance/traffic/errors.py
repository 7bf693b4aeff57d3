"""What can go wrong with an observation, as opposed to what was observed."""

from __future__ import annotations


class TrafficError(Exception):
    """A station, its host or its interface failed: nothing is known about the device."""


class InconclusiveCapture(TrafficError):  # noqa: N818  (it is a state of the check, not only an error)
    """The observation proves nothing: frames were lost, or the positive control is missing.

    A check that ends in this is neither a PASS nor a FAIL: it says that it may be broken.
    """


class NotSeen(AssertionError):  # noqa: N818  (a finding about the device)
    """Frames that had to come did not come before the deadline."""
