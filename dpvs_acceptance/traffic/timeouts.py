"""How long an answer is waited for: in full, or less where most answers are known not to come.

A check of a device waits as long as a slow answer may take. A run that breaks the device on
purpose, and makes the same checks hundreds of times, mostly waits for what cannot come.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SHARE: ContextVar[float] = ContextVar("share", default=1.0)


def seconds(full: float, given: float | None = None) -> float:
    """`given` where a caller chose a time itself, else this run's share of the full time."""
    return full * _SHARE.get() if given is None else given


def tries(full: int) -> int:
    """This run's share of as many tries, one at least."""
    return max(1, int(full * _SHARE.get()))


@contextmanager
def shortened(share: float) -> Iterator[None]:
    """Wait for this share (0 to 1) of every time that nobody chose, while in the context."""
    token = _SHARE.set(share)
    try:
        yield
    finally:
        _SHARE.reset(token)
