"""What becomes of a frame that a rule is about, by name."""

import struct
from collections.abc import Mapping
from typing import Final

from softlab import packet
from softlab.wire import client_address, connections, mended
from softlab.wire.addresses import Addresses
from softlab.wire.fields import changed
from softlab.wire.frame import ACK, ICMP, ICMP6, RST, UDP, Frame, with_ip_sum
from softlab.wire.rule import Rule
from softlab.wire.seen import Action, Factory, Out, Seen, same


def _watch(_rule: Rule, _book: Addresses) -> Action:
    """Nothing becomes of it; the rule only counts."""
    return same


def _drop(_rule: Rule, _addresses: Addresses) -> Action:
    return lambda _seen: []


def _double(_rule: Rule, _addresses: Addresses) -> Action:
    return lambda seen: same(seen) * 2


def _delay(rule: Rule, _addresses: Addresses) -> Action:
    return lambda seen: [Out(seen.frame.raw, at=seen.now + rule.seconds)]


def _change(rule: Rule, _addresses: Addresses) -> Action:
    return lambda seen: [Out(changed(seen.frame, rule.field, rule.op, rule.value))]


def _cut(rule: Rule, _addresses: Addresses) -> Action:
    """What is carried ends after `value` octets."""

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        keep = frame.payload_at - frame.at + rule.value
        return [Out(frame.carrying(frame.body[:keep]))]

    return action


def _from_lip(_rule: Rule, book: Addresses) -> Action:
    """The frame comes from a local address."""

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        lips = [lip for lip in book.lips if len(lip) == len(frame.src)]
        if not lips:
            return same(seen)
        name = "ip.src" if frame.family == 4 else "ip6.src"
        return [Out(changed(frame, name, "set", int.from_bytes(lips[0], "big")))]

    return action


def _mac_of_another_port(_rule: Rule, book: Addresses) -> Action:
    def action(seen: Seen) -> list[Out]:
        others = [one for link, one in sorted(book.macs.items()) if link != seen.link]
        other = int.from_bytes(others[-1], "big")
        return [Out(changed(seen.frame, "eth.src", "set", other))]

    return action


# -- answers in the device's stead -----------------------------------------------------------------


def _arp_for_anything(_rule: Rule, book: Addresses) -> Action:
    """ARP for addresses that the DUT does not have on this link is answered."""
    return lambda seen: _arp_answer(seen, book, elsewhere=False)


def _arp_on_other_links(_rule: Rule, book: Addresses) -> Action:
    """ARP for an address that the DUT has on another link is answered (arp_ignore of a Linux)."""
    return lambda seen: _arp_answer(seen, book, elsewhere=True)


def _arp_answer(seen: Seen, book: Addresses, *, elsewhere: bool) -> list[Out]:
    assert seen.frame.arp is not None
    _, sha, spa, _, tpa = seen.frame.arp
    ours = any(tpa in addresses for addresses in book.addresses.values())
    if not any(spa) or spa == tpa or book.local(seen.link, tpa) or ours is not elsewhere:
        return same(seen)
    own = book.macs[seen.link]
    return [Out(packet.arp(packet.ARP_REPLY, sha, own, tpa, sha, spa), back=True)]


def _reset(_rule: Rule, _addresses: Addresses) -> Action:
    """A segment is answered by a RST instead of being delivered."""

    def action(seen: Seen) -> list[Out]:
        if not seen.frame.is_tcp:
            return same(seen)
        turned = _turned(seen.frame)
        sport, dport, seq, ack, _, _, _, _ = turned.header
        size = len(seen.frame.payload) + bool(seen.frame.flags & 3)
        header = [dport, sport, ack, (seq + size) & 0xFFFFFFFF, RST | ACK, 0, 0, 0]
        return [Out(turned.segment(header, b"", b""), back=True)]

    return action


def _unreachable(_rule: Rule, _addresses: Addresses) -> Action:
    """ICMP's "port unreachable" comes back instead."""

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.family:
            return same(seen)
        quoted = frame.raw[14 : min(frame.end, 14 + 548)]
        four = frame.family == 4
        body = struct.pack("!BBHI", 3 if four else 1, 3 if four else 4, 0, 0) + quoted
        proto = ICMP if four else ICMP6
        turned = _turned(frame)
        # Without the options and extension headers of the packet that it is about.
        size = 20 if four else 40
        head = turned.raw[14 : 14 + size]
        head = b"\x45" + head[1:] if four else head[:6] + bytes([proto]) + head[7:]
        bare = Frame(turned.raw[:14] + _with_length(head, len(body)) + bytes(len(body)))
        return [Out(bare.carrying(body, proto=proto), back=True)]

    return action


def _echo(_rule: Rule, _addresses: Addresses) -> Action:
    """An echo request or a datagram comes back as its own answer."""

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        turned = _turned(frame)
        body = frame.body
        if frame.proto in (ICMP, ICMP6) and body[:1] in (b"\x08", b"\x80"):
            answer = bytes([0 if body[0] == 8 else 129])
            return [Out(turned.carrying(answer + body[1:]), back=True)]
        if frame.proto == UDP and not frame.fragment:
            return [Out(turned.carrying(body[2:4] + body[:2] + body[4:]), back=True)]
        return same(seen)

    return action


def _turned(frame: Frame) -> Frame:
    """The frame from its receiver to its sender, by MACs and IP addresses."""
    raw = frame.raw
    if frame.family == 4:
        head = with_ip_sum(raw[14:26] + frame.dst + frame.src + raw[34 : frame.at])
    else:
        head = raw[14:22] + frame.dst + frame.src + raw[54 : frame.at]
    return Frame(raw[6:12] + raw[:6] + raw[12:14] + head + frame.body)


def _with_length(head: bytes, size: int) -> bytes:
    if head[0] >> 4 == 4:
        return head[:2] + (20 + size).to_bytes(2, "big") + head[4:6] + b"\0\0" + head[8:]
    return head[:4] + size.to_bytes(2, "big") + head[6:]


ACTIONS: Final[Mapping[str, Factory]] = {
    "watch": _watch,
    "drop": _drop,
    "double": _double,
    "delay": _delay,
    "reorder": _delay,
    "change": _change,
    "cut": _cut,
    "from-lip": _from_lip,
    "mac-of-another-port": _mac_of_another_port,
    "arp-for-anything": _arp_for_anything,
    "arp-on-other-links": _arp_on_other_links,
    "reset": _reset,
    "unreachable": _unreachable,
    "echo": _echo,
    **client_address.ACTIONS,
    **connections.ACTIONS,
    **mended.ACTIONS,
}
"""`delay` and `reorder` are one thing: what is held back for long comes late, what is held back for
a moment comes behind what was sent after it."""
