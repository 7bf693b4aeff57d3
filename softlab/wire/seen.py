"""A frame as a rule's action sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from softlab.wire.addresses import Addresses
from softlab.wire.flows import Flow
from softlab.wire.frame import Frame
from softlab.wire.rule import Rule


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame on a link, on its way to (or, leaving, from) the DUT. flow: None without ports."""

    frame: Frame
    link: str
    leaving: bool
    leg: str
    flow: Flow | None
    now: float


@dataclass(frozen=True, slots=True)
class Out:
    """A frame that goes on. back: to where the other came from. at: when; 0: now."""

    raw: bytes
    back: bool = False
    at: float = 0.0


Action = Callable[[Seen], list[Out]]
Factory = Callable[[Rule, Addresses], Action]
"""Makes the action of one rule; what it has to remember lives as long as the rule."""


def same(seen: Seen) -> list[Out]:
    """The frame as it is."""
    return [Out(seen.frame.raw)]
