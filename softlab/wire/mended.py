"""What mends a device: what RFCs ask of one and no known DPVS does (docs/findings.md).

A check that every device fails shows little by its red. With one of these in front of it a device
does it right, and the check has to turn green.
"""

from collections.abc import Mapping
from typing import Final

from softlab.wire.addresses import Addresses
from softlab.wire.flows import key_of
from softlab.wire.frame import ACK, ICMP, RST, TCP
from softlab.wire.rule import Rule
from softlab.wire.seen import Action, Factory, Out, Seen, same

_WINDOW: Final = 1 << 16


def _resets_outside_of_the_window(_rule: Rule, _addresses: Addresses) -> Action:
    """A RST outside of the window is dropped (RFC 9293, 3.10.7.4; RFC 5961, 3): what the other
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


def _quotation_made_long(_rule: Rule, _book: Addresses) -> Action:
    """An ICMP error that quotes eight octets of TCP gets the rest of a TCP header on its way to the
    DUT, which is taken off again behind it."""

    def action(seen: Seen) -> list[Out]:
        frame, body = seen.frame, seen.frame.body
        head = 20 if frame.proto == ICMP else 40
        proto = body[8 + 9 : 8 + 10] if frame.proto == ICMP else body[8 + 6 : 8 + 7]
        whole = 8 + head + 20
        if proto != bytes([TCP]):
            return same(seen)
        if not seen.leaving and len(body) < whole:
            return [Out(frame.carrying(body + bytes(whole - len(body))))]
        if seen.leaving and len(body) == whole and not any(body[whole - 12 :]):
            return [Out(frame.carrying(body[: whole - 12]))]
        return same(seen)

    return action


ACTIONS: Final[Mapping[str, Factory]] = {
    "resets-outside-of-the-window-lost": _resets_outside_of_the_window,
    "quotation-made-long": _quotation_made_long,
}
