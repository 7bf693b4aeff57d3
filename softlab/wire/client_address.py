"""What goes wrong with the client's address: TOA in TCP's options, UOA before UDP's header."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from softlab import packet
from softlab.wire.addresses import Addresses
from softlab.wire.fields import TOA, split_options
from softlab.wire.flows import key_of
from softlab.wire.frame import ACK, SYN, UDP, UOA, Frame
from softlab.wire.rule import Rule
from softlab.wire.seen import Action, Factory, Out, Seen, same

Options = list[tuple[int, bytes]]


def _options(change: Callable[[Options], Options]) -> Factory:
    """An action that gives a segment other options."""

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.is_tcp:
            return same(seen)
        old = split_options(frame.options)
        new = change(old)
        if new == old:
            return same(seen)
        raw = b"".join(one for _, one in new)
        return [Out(frame.segment(frame.header, raw, frame.payload))]

    return lambda _rule, _addresses: action


def _without(options: Options) -> Options:
    return [one for one in options if one[0] != TOA]


def _last(options: Options) -> Options:
    own = options[:1] if options and options[0][0] == TOA else []
    return [one for one in options[len(own) :] if one[0]] + own


def _doubled(options: Options) -> Options:
    return [one for one in options if one[0] == TOA][:1] + options


def _of_the_client(options: Options) -> Options:
    """Of two TOA options only the client's own, which the device has put behind its own."""
    return options[1:] if sum(kind == TOA for kind, _ in options) > 1 else options


def _forged_first(options: Options) -> Options:
    """Of two TOA options the device's own comes second."""
    places = [at for at, (kind, _) in enumerate(options) if kind == TOA]
    if len(places) < 2:
        return options
    new = list(options)
    own, forged = places[:2]
    new[own], new[forged] = new[forged], new[own]
    return new


def _of_ipv6(options: Options) -> Options:
    """An IPv4 client's TOA as 20 octets, with the address mapped."""
    return [
        (kind, b"\xfe\x14" + raw[2:4] + bytes(10) + b"\xff\xff" + raw[4:])
        if kind == TOA and len(raw) == 8
        else (kind, raw)
        for kind, raw in options
    ]


def _stamp_lost(options: Options) -> Options:
    """Where options gave way for TOA, the timestamp goes as well."""
    if not options or options[0][0] != TOA or options[-1][0] != 0:
        return options
    return [(1, b"\x01" * len(raw)) if kind == 8 else (kind, raw) for kind, raw in options]


def _everywhere(_rule: Rule, _addresses: Addresses) -> Action:
    """On later segments as well: the one that the connection had is put on all of them."""
    last: dict[object, bytes] = {}

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        key = key_of(frame, leaving=True)
        own = next((raw for kind, raw in split_options(frame.options) if kind == TOA), None)
        if own is not None:
            last[key] = own
        elif key in last:
            options = last[key] + frame.options
            return [Out(frame.segment(frame.header, options, frame.payload))]
        return same(seen)

    return action


def _on_the_syn(_rule: Rule, _addresses: Addresses) -> Action:
    """On the SYN too, as versions up to 1.9.4 have it: the client's SYN came just before."""
    came: deque[Frame] = deque(maxlen=64)

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if frame.flags & (SYN | ACK) != SYN:
            return same(seen)
        if not seen.leaving:
            came.append(frame)
            return same(seen)
        for one in came:
            if one.header[5] == frame.header[5] and one.raw[18:20] == frame.raw[18:20]:
                came.remove(one)
                size = 4 + len(one.src)
                option = bytes([TOA, size]) + one.raw[one.at : one.at + 2] + one.src
                return [Out(frame.segment(frame.header, option + frame.options, frame.payload))]
        return same(seen)

    return action


# -- UDP -------------------------------------------------------------------------------------------


def bare(frame: Frame) -> bytes:
    """The datagram without UOA's header, its checksum made."""
    udp = frame.raw[frame.transport[1] : frame.end]
    zero = udp[:6] + b"\0\0" + udp[8:]
    total = packet.transport_checksum(frame.src, frame.dst, UDP, zero) or 0xFFFF
    return frame.carrying(udp[:6] + total.to_bytes(2, "big") + udp[8:], proto=UDP)


def _uoa_off(_rule: Rule, _addresses: Addresses) -> Action:
    return lambda seen: [Out(bare(seen.frame))] if seen.frame.proto == UOA else same(seen)


def _uoa_on_all(_rule: Rule, _addresses: Addresses) -> Action:
    """Beyond those that the device puts it on: the header that the flow had."""
    headers: dict[object, bytes] = {}

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        key = key_of(frame, leaving=True)
        if frame.proto == UOA:
            headers[key] = frame.raw[frame.at : frame.transport[1]]
        elif frame.proto == UDP and key in headers:
            udp = frame.body
            body = headers[key] + udp[:6] + b"\0\0" + udp[8:]
            return [Out(frame.carrying(body, proto=UOA))]
        return same(seen)

    return action


ACTIONS: Final[Mapping[str, Factory]] = {
    "toa-off": _options(_without),
    "toa-last": _options(_last),
    "toa-doubled": _options(_doubled),
    "toa-of-the-client": _options(_of_the_client),
    "toa-forged-first": _options(_forged_first),
    "toa-as-ipv6": _options(_of_ipv6),
    "toa-everywhere": _everywhere,
    "toa-on-the-syn": _on_the_syn,
    "timestamp-off-for-toa": _options(_stamp_lost),
    "uoa-off": _uoa_off,
    "uoa-on-all": _uoa_on_all,
}
