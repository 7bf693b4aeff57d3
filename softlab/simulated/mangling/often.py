"""Quirks of how often a frame leaves."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.mangling.seen import Seen


def doubled(when: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    return lambda seen: [seen.frame, seen.frame] if when(seen) else [seen.frame]


def held(when: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    """Not now, but later, in the order in which they came."""

    def leaving(seen: Seen) -> list[bytes]:
        if not when(seen):
            return [seen.frame]
        seen.path.hold(seen.port, seen.frame)
        return []

    return leaving


def lost(what: str, every: int, when: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    def leaving(seen: Seen) -> list[bytes]:
        lose = when(seen) and seen.path.quirks.nth(what, every)
        return [] if lose else [seen.frame]

    return leaving
