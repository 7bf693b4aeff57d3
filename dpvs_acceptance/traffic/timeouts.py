"""Timeouts of traffic: in full, or a share of them where most answers are known not to come.

A check of a device waits as long as a slow answer may take. A run of the fault matrix breaks the
device on purpose and repeats the checks hundreds of times: most of its answers never come.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SHARE: ContextVar[float] = ContextVar("share", default=1.0)


def seconds(full: float, given: float | None = None) -> float:
    """`given` where a caller sets a timeout itself, else this run's share of the full one."""
    return full * _SHARE.get() if given is None else given


def tries(full: int) -> int:
    """The current share of this number of tries, at least one."""
    return max(1, int(full * _SHARE.get()))


@contextmanager
def shortened(share: float) -> Iterator[None]:
    """In the context, wait only this share (0 to 1) of every timeout that no caller has set."""
    token = _SHARE.set(share)
    try:
        yield
    finally:
        _SHARE.reset(token)
