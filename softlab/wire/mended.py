"""What mends a device: what RFCs ask of one and no known DPVS does (docs/findings.md).

A check that every device fails shows little by its red. With one of these in front of it a device
does it right, and the check has to turn green.
"""

from collections.abc import Mapping
from typing import Final

from softlab.wire.addresses import Addresses
from softlab.wire.flows import key_of
from softlab.wire.frame import ACK, ICMP, ICMP6, RST, TCP
from softlab.wire.rule import Rule
from softlab.wire.seen import Action, Factory, Out, Seen, same

_WINDOW: Final = 1 << 16


def _resets_outside_of_the_window(_rule: Rule, _addresses: Addresses) -> Action:
    """A RST outside of the window goes nowhere (RFC 9293, 3.10.7.4; RFC 5961, 3): what the other
    side acknowledged last is where the window begins."""
    acknowledged: dict[object, int] = {}

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.is_tcp:
            return same(seen)
        key = key_of(frame, leaving=seen.leaving)
        header = frame.header
        if seen.leaving and frame.flags & ACK:
            acknowledged[key] = header[3]
        begin = acknowledged.get(key)
        if seen.leaving or not frame.flags & RST or begin is None:
            return same(seen)
        return same(seen) if (header[2] - begin) & 0xFFFFFFFF < _WINDOW else []

    return action


def _quotation_made_long(_rule: Rule, _addresses: Addresses) -> Action:
    """An ICMP error that quotes eight octets of TCP gets the rest of a TCP header."""

    def action(seen: Seen) -> list[Out]:
        frame, body = seen.frame, seen.frame.body
        if frame.proto not in (ICMP, ICMP6) or len(body) < 28:
            return same(seen)
        head = 20 if frame.proto == ICMP else 40
        proto = body[8 + 9] if frame.proto == ICMP else body[8 + 6]
        missing = 8 + head + 20 - len(body)
        if proto != TCP or missing <= 0:
            return same(seen)
        return [Out(frame.carrying(body + bytes(missing)))]

    return action


ACTIONS: Final[Mapping[str, Factory]] = {
    "resets-outside-of-the-window-lost": _resets_outside_of_the_window,
    "quotation-made-long": _quotation_made_long,
}
