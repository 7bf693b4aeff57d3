"""What library code, fixtures and checks raise when the answer is neither PASS nor FAIL.

Names without `Error`: none of them says that the program went wrong.
"""

from __future__ import annotations


class NotSupported(Exception):  # noqa: N818
    """A probe showed that the device lacks what the check needs.

    `probe` is what the probe said, in its own words ("`insmod toa.ko`: Operation not permitted");
    it is kept as evidence. Never raise it on an assumption: a probe has to have run.
    """

    def __init__(self, probe: str) -> None:
        super().__init__(probe)
        self.probe = probe


class NotTested(Exception):  # noqa: N818
    """Nothing was looked at, for a reason that is not the device's ("bench names no DPDK tree")."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotApplicable(Exception):  # noqa: N818
    """What was declared leaves nothing to look at ("one real server: there is no spread").

    `reason` follows from topology and bench alone. What the device lacks is `NotSupported`, what
    the bench cannot look at is `NotTested`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(Exception):  # noqa: N818
    """The bench or the bring-up failed, so that no later check can be judged.

    The first one raised is reported as an error; every check behind it is skipped and names the
    cause. The first line of `cause` is that name; further lines are shown once.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Inconclusive(AssertionError):  # noqa: N818
    """The observation cannot carry the statement: a missing positive control, dropped frames, a
    snapshot older than the state it speaks of. Not a PASS, and perhaps not the device's fault."""

    def __init__(self, words: str) -> None:
        super().__init__(f"this check might be broken: {words}")
        self.words = words
