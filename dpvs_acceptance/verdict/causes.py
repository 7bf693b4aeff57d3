"""Exceptions of library code, fixtures and checks for outcomes other than PASS and FAIL.

Their names do not end in `Error`, because they are not program errors.
"""

from __future__ import annotations


class NotSupported(Exception):  # noqa: N818
    """A probe showed that the device lacks what the check needs.

    `probe`: the output of the probe ("`insmod toa.ko`: Operation not permitted"), kept as evidence.
    Never raise it on an assumption: a probe must have run.
    """

    def __init__(self, probe: str) -> None:
        super().__init__(probe)
        self.probe = probe


class NotTested(Exception):  # noqa: N818
    """The check did not run, for a reason other than the device ("bench has no DPDK tree")."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotApplicable(Exception):  # noqa: N818
    """The declaration leaves nothing to check ("one real server: nothing to distribute").

    `reason` follows from topology and bench alone. `NotSupported` is for functions that the device
    lacks, `NotTested` for checks that the bench does not allow.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(Exception):  # noqa: N818
    """The bench or the bring-up failed, so no later check can be judged.

    The first one is reported as an error; all later checks are skipped with the first line of
    `cause` as reason. Further lines of `cause` are shown once.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Inconclusive(AssertionError):  # noqa: N818
    """The observation proves nothing: missing positive control, dropped frames, or an outdated
    snapshot. Not a PASS, but possibly not a fault of the device."""

    def __init__(self, words: str) -> None:
        super().__init__(f"inconclusive: {words}")
        self.words = words
