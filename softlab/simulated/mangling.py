"""Quirks of frames: what a device does to them on their way in and out when it misbehaves.

A function of LEAVING takes a frame that the device is about to send and gives back what it sends
instead; one of ARRIVING takes one that came, and gives back None (go on) or what is sent instead
of handling it. Only quirks come here: a good device sends what it made.
"""

from __future__ import annotations

from softlab.simulated import fullnat, packet, tcpopts
from softlab.simulated.fullnat import Packet
from softlab.simulated.tcpstates import ACK, FIN, SYN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.core import DataPath

    Options = list[tuple[int, bytes]]
    Header = list[int]
    Edit = Callable[[Header, bytes, bytes], tuple[Header, bytes, bytes] | None]

PSH = 0x08
_STRANGER = bytes.fromhex("02bad0bad0ba")


# -- what kind of frame it is ----------------------------------------------------------------


class Seen:
    """A frame on its way out, taken apart as far as the quirks ask."""

    def __init__(self, path: DataPath, port: int, frame: bytes) -> None:
        self.path = path
        self.port = port
        self.frame = frame
        ip = frame[12:14] in (packet.ETH_IPV4, packet.ETH_IPV6)
        self.packet = fullnat.parse(frame[14:]) if ip else None
        lips = path.addresses.lips
        self.to_rs: bool = self.packet is not None and self.packet.src in lips
        virtual = {service.addr for service in path.services.all()}
        self.to_client: bool = self.packet is not None and self.packet.src in virtual

    def is_proto(self, *protos: int) -> bool:
        return self.packet is not None and self.packet.proto in protos

    @property
    def tcp(self) -> bool:
        return self.is_proto(packet.PROTO_TCP)

    @property
    def flags(self) -> int:
        return fullnat.tcp_flags(self.packet.body) & 0x3F if self.packet and self.tcp else 0

    @property
    def family(self) -> int:
        return self.packet.family if self.packet else 0

    @property
    def echo_reply(self) -> bool:
        """An answer to a ping, of either family."""
        return (
            self.packet is not None
            and self.packet.proto in (packet.PROTO_ICMP, packet.PROTO_ICMPV6)
            and self.packet.body[:1] in (bytes([packet.ICMP_ECHO_REPLY]), b"\x81")
        )

    @property
    def payload(self) -> bytes:
        taken = fullnat._take_tcp(self.packet.body) if self.packet and self.tcp else None
        return taken[2] if taken else b""


def _with_ip(seen: Seen, change: Callable[[bytes], bytes]) -> bytes:
    """The frame with another IP header, its checksum right again."""
    assert seen.packet is not None
    head = bytearray(change(seen.packet.head))
    if seen.family == 4:
        head[10:12] = b"\0\0"
        head[10:12] = packet.checksum(bytes(head)).to_bytes(2, "big")
    return seen.frame[:14] + bytes(head) + seen.packet.body


def _with_body(seen: Seen, proto: int, body: bytes, src: bytes = b"") -> bytes:
    assert seen.packet is not None
    whole = fullnat.readdress(seen.packet, src or seen.packet.src, seen.packet.dst, proto, body)
    return seen.frame[:14] + whole


def _tcp(seen: Seen, edit: Edit, src: bytes = b"") -> list[bytes]:
    """The frame with its TCP segment edited: lengths and checksums right again."""
    assert seen.packet is not None
    taken = fullnat._take_tcp(seen.packet.body)
    edited = edit(*taken) if taken else None
    if edited is None:
        return [seen.frame]
    header, options, payload = edited
    if len(options) > 40:
        return [seen.frame]
    source = src or seen.packet.src
    body = fullnat._tcp(source, seen.packet.dst, header, options, payload)
    return [_with_body(seen, packet.PROTO_TCP, body, source)]


def _options(raw: bytes) -> Options:
    """TCP options one by one, NOPs too."""
    found: Options = []
    at = 0
    while at < len(raw):
        size = 1 if raw[at] in (tcpopts.NOP, tcpopts.EOL) else max(2, raw[at + 1])
        found.append((raw[at], raw[at : at + size]))
        at += size
    return found


def _padded(options: Options) -> bytes:
    raw = b"".join(one for _, one in options)
    return raw + b"\x01" * (-len(raw) % 4)


# -- TOA -------------------------------------------------------------------------------------


def _toa(change: Callable[[bytes], bytes]) -> Callable[[Seen], list[bytes]]:
    """A quirk that changes the TOA option wherever the device puts one."""

    def leaving(seen: Seen) -> list[bytes]:
        def edit(
            header: Header, options: bytes, payload: bytes
        ) -> tuple[Header, bytes, bytes] | None:
            each = _options(options)
            if not each or each[0][0] != tcpopts.TOA:
                return None
            each[0] = (0, change(each[0][1]))
            return header, _padded(each), payload

        return _tcp(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]

    return leaving


def _toa_where(keep: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    """A quirk that takes TOA off the packets for which `keep` is false."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.tcp and seen.to_rs) or keep(seen):
            return [seen.frame]
        return _tcp(seen, lambda h, o, p: (h, _without_toa(o), p))

    return leaving


def _without_toa(options: bytes) -> bytes:
    return _padded([one for one in _options(options) if one[0] != tcpopts.TOA])


def _toa_moved(seen: Seen) -> list[bytes]:
    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
        each = _options(o)
        ours = each[:1] if each and each[0][0] == tcpopts.TOA else []
        return h, _padded(each[len(ours) :] + ours), p

    return _tcp(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _toa_doubled(seen: Seen) -> list[bytes]:
    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
        each = _options(o)
        ours = [one for one in each if one[0] == tcpopts.TOA]
        return h, _padded(ours[:1] + each), p

    return _tcp(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _toa_client_s_own(seen: Seen) -> list[bytes]:
    """Of two TOA options only the client's own, which the device should have put second."""

    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes] | None:
        each = _options(o)
        if sum(kind == tcpopts.TOA for kind, _ in each) < 2:
            return None
        return h, _padded(each[1:]), p

    return _tcp(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


_LAST_TOA: dict[bytes, bytes] = {}


def _toa_everywhere(seen: Seen) -> list[bytes]:
    """On later packets as well: the one that the connection had is put on all of them."""

    def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes] | None:
        assert seen.packet is not None
        key = seen.packet.src + seen.packet.dst + bytes(seen.packet.body[:4])
        own = next((raw for kind, raw in _options(o) if kind == tcpopts.TOA), None)
        if own:
            _LAST_TOA[key] = own
            return None
        return (h, _LAST_TOA[key] + o, p) if key in _LAST_TOA else None

    return _tcp(seen, edit) if seen.tcp and seen.to_rs else [seen.frame]


def _prefixed(seen: Seen, option: bytes) -> list[bytes]:
    return _tcp(seen, lambda h, o, p: (h, option + o, p))


def _toa_on_syn(seen: Seen) -> list[bytes]:
    """On the SYN too, as versions up to 1.9.4 have it: the client's end is looked up."""
    if not (seen.to_rs and seen.tcp and seen.flags & (SYN | ACK) == SYN):
        return [seen.frame]
    assert seen.packet is not None
    lport = int.from_bytes(seen.packet.body[:2], "big")
    for table in seen.path.connections.values():
        for conn in table.all():
            if conn.laddr == seen.packet.src and conn.lport == lport:
                return _prefixed(seen, tcpopts.toa(conn.caddr, conn.cport))
    return [seen.frame]


# -- other TCP fields ------------------------------------------------------------------------


def _field(
    at: int, change: Callable[[int], int], *, to_rs: bool, when: Callable[[Seen], bool]
) -> Callable[[Seen], list[bytes]]:
    """A quirk of a field of the TCP header, see fullnat._tcp for the places."""

    def leaving(seen: Seen) -> list[bytes]:
        if not seen.tcp or not (seen.to_rs if to_rs else seen.to_client) or not when(seen):
            return [seen.frame]

        def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
            h = list(h)
            h[at] = change(h[at])
            return h, o, p

        return _tcp(seen, edit)

    return leaving


def _syn_option(kind: int, instead: Callable[[bytes], bytes]) -> Callable[[Seen], list[bytes]]:
    """A quirk of one option of the SYN towards the RS."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs and seen.flags & (SYN | ACK) == SYN):
            return [seen.frame]

        def edit(h: Header, o: bytes, p: bytes) -> tuple[Header, bytes, bytes]:
            return h, b"".join(instead(r) if k == kind else r for k, r in _options(o)), p

        return _tcp(seen, edit)

    return leaving


def _timestamp_kept(seen: Seen) -> list[bytes]:
    """The ten NOPs that the client's timestamp was blanked with become one again."""
    if not (seen.to_rs and seen.flags & (SYN | ACK) == SYN):
        return [seen.frame]
    stamp = bytes([tcpopts.TIMESTAMP, 10]) + b"\0\x01\0\x01" + bytes(4)
    return _tcp(seen, lambda h, o, p: (h, o.replace(b"\x01" * 10, stamp, 1), p))


def _payload(to_rs: bool) -> Callable[[Seen], list[bytes]]:
    """The last octet of what is carried is another one; all checksums are right."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs if to_rs else seen.to_client) or not seen.payload:
            return [seen.frame]
        return _tcp(seen, lambda h, o, p: (h, o, p[:-2] + bytes([p[-2] ^ 1]) + p[-1:]))

    return leaving


def _checksum(proto: int, at: int, *, to_rs: bool) -> Callable[[Seen], list[bytes]]:
    """A quirk that leaves a wrong checksum at this place of the transport header."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.is_proto(proto) and (seen.to_rs if to_rs else seen.to_client)):
            return [seen.frame]
        if seen.flags & SYN:
            return [seen.frame]  # so that there is a connection to look at
        return [_flipped(seen, at)]

    return leaving


def _flipped(seen: Seen, at: int) -> bytes:
    assert seen.packet is not None
    place = 14 + len(seen.packet.head) + at
    raw = bytearray(seen.frame)
    raw[place] ^= 0x5A
    return bytes(raw)


# -- IP and Ethernet -------------------------------------------------------------------------


def _ip(
    change: Callable[[bytes], bytes], *, to_rs: bool | None, family: int = 4
) -> Callable[[Seen], list[bytes]]:
    """A quirk of the IP header; to_rs None: both ways."""

    def leaving(seen: Seen) -> list[bytes]:
        ours = (
            (seen.to_rs or seen.to_client)
            if to_rs is None
            else (seen.to_rs if to_rs else seen.to_client)
        )
        if not ours or seen.family != family or not (seen.tcp or seen.is_proto(17, 248)):
            return [seen.frame]
        return [_with_ip(seen, change)]

    return leaving


def _byte(at: int, change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    def changed(head: bytes) -> bytes:
        return head[:at] + bytes([change(head[at]) & 0xFF]) + head[at + 1 :]

    return changed


def _ip_checksum(seen: Seen) -> list[bytes]:
    if not (seen.to_client and seen.family == 4 and seen.echo_reply):
        return [seen.frame]
    raw = bytearray(seen.frame)
    raw[24] ^= 0x5A
    return [bytes(raw)]


def _other_mac(seen: Seen) -> list[bytes]:
    if not seen.to_client:
        return [seen.frame]
    return [seen.frame[:6] + _STRANGER + seen.frame[12:]]


def _port_s_sister(seen: Seen) -> list[bytes]:
    """Towards the RS with the MAC of the port that the client is on."""
    if not seen.to_rs:
        return [seen.frame]
    others = [port.hardware for port in seen.path.ports if port.index != seen.port]
    return [seen.frame[:6] + others[-1] + seen.frame[12:]]


def _arp_mac(seen: Seen) -> list[bytes]:
    if seen.frame[12:14] != packet.ETH_ARP or seen.frame[20:22] != b"\0\x02":
        return [seen.frame]
    return [seen.frame[:22] + _STRANGER + seen.frame[28:]]


def _from_lip(seen: Seen) -> list[bytes]:
    """To the client from a LIP instead of the VIP."""
    if not (seen.tcp and seen.to_client):
        return [seen.frame]
    lips = [lip for lip in seen.path.addresses.lips if len(lip) == seen.family]
    return _tcp(seen, lambda h, o, p: (h, o, p), src=lips[0]) if lips else [seen.frame]


# -- how often -------------------------------------------------------------------------------


def _doubled(when: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    return lambda seen: [seen.frame, seen.frame] if when(seen) else [seen.frame]


def _lost(what: str, every: int, when: Callable[[Seen], bool]) -> Callable[[Seen], list[bytes]]:
    def leaving(seen: Seen) -> list[bytes]:
        lose = when(seen) and seen.path.quirks.nth(what, every)
        return [] if lose else [seen.frame]

    return leaving


# -- ICMP, UDP, UOA --------------------------------------------------------------------------


def _echo(change: Callable[[bytes], bytes], family: int = 4) -> Callable[[Seen], list[bytes]]:
    """A quirk of an echo reply's body; its checksum is right again."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.echo_reply and seen.family == family):
            return [seen.frame]
        assert seen.packet is not None
        body = change(seen.packet.body)
        body = body[:2] + b"\0\0" + body[4:]
        total = (
            packet.checksum(body)
            if family == 4
            else packet.transport_checksum(
                seen.packet.src, seen.packet.dst, packet.PROTO_ICMPV6, body
            )
        )
        body = body[:2] + total.to_bytes(2, "big") + body[4:]
        return [_with_body(seen, seen.packet.proto, body)]

    return leaving


def _echo_checksum(seen: Seen) -> list[bytes]:
    return [_flipped(seen, 2)] if seen.echo_reply else [seen.frame]


def _echo_from_lip(seen: Seen) -> list[bytes]:
    if not (seen.echo_reply and seen.family == 4):
        return [seen.frame]
    lip = next(lip for lip in seen.path.addresses.lips if len(lip) == 4)
    return [_with_ip(seen, lambda head: head[:12] + lip + head[16:])]


def _uoa(change: Callable[[Packet], tuple[int, bytes]]) -> Callable[[Seen], list[bytes]]:
    """A quirk of a datagram in UOA's private protocol: it becomes (protocol, body)."""

    def leaving(seen: Seen) -> list[bytes]:
        if not (seen.to_rs and seen.is_proto(packet.PROTO_OPT)) or seen.packet is None:
            return [seen.frame]
        proto, body = change(seen.packet)
        return [_with_body(seen, proto, body)]

    return leaving


def _at(raw: bytes, place: int, change: Callable[[int], int]) -> bytes:
    return raw[:place] + bytes([change(raw[place]) & 0xFF]) + raw[place + 1 :]


def _bare(seen: Packet) -> tuple[int, bytes]:
    """The datagram without its private header, its checksum made."""
    size = int.from_bytes(seen.body[2:4], "big")
    udp = seen.body[size:]
    udp = udp[:6] + b"\0\0" + udp[8:]
    total = packet.transport_checksum(seen.src, seen.dst, packet.PROTO_UDP, udp) or 0xFFFF
    return packet.PROTO_UDP, udp[:6] + total.to_bytes(2, "big") + udp[8:]


def _uoa_first_only(seen: Seen) -> list[bytes]:
    if not (seen.to_rs and seen.is_proto(packet.PROTO_OPT)) or seen.packet is None:
        return [seen.frame]
    size = int.from_bytes(seen.packet.body[2:4], "big")
    key = ("uoa", seen.packet.src, seen.packet.body[size : size + 4])
    counts = seen.path.quirks.counts
    counts[key] = counts.get(key, 0) + 1
    return [seen.frame] if counts[key] == 1 else [_with_body(seen, *_bare(seen.packet))]


_LAST_UOA: dict[bytes, bytes] = {}


def _uoa_on_all(seen: Seen) -> list[bytes]:
    if not seen.to_rs or seen.packet is None:
        return [seen.frame]
    body = seen.packet.body
    if seen.packet.proto == packet.PROTO_OPT:
        size = int.from_bytes(body[2:4], "big")
        _LAST_UOA[seen.packet.src + body[size : size + 4]] = body[:size]
    elif seen.packet.proto == packet.PROTO_UDP:
        header = _LAST_UOA.get(seen.packet.src + body[:4])
        if header:
            bare = body[:6] + b"\0\0" + body[8:]
            return [_with_body(seen, packet.PROTO_OPT, header + bare)]
    return [seen.frame]


def _udp_port(seen: Seen) -> list[bytes]:
    """Answers come from the port after the service's."""
    if not (seen.to_client and seen.is_proto(packet.PROTO_UDP)) or seen.packet is None:
        return [seen.frame]
    sport = (int.from_bytes(seen.packet.body[:2], "big") + 1).to_bytes(2, "big")
    body = sport + seen.packet.body[2:6] + b"\0\0" + seen.packet.body[8:]
    total = packet.transport_checksum(seen.packet.src, seen.packet.dst, packet.PROTO_UDP, body)
    return [_with_body(seen, packet.PROTO_UDP, body[:6] + total.to_bytes(2, "big") + body[8:])]


def _always(_seen: Seen) -> bool:
    return True


def _carries(seen: Seen) -> bool:
    return bool(seen.payload)


def _is_syn(seen: Seen) -> bool:
    return seen.to_rs and seen.flags & (SYN | ACK) == SYN


def _is_pure_ack(seen: Seen) -> bool:
    return seen.to_rs and seen.flags & (SYN | ACK | FIN) == ACK and not seen.payload


LEAVING: dict[str, Callable[[Seen], list[bytes]]] = {
    "toa.address": _toa(lambda o: o[:-1] + bytes([o[-1] ^ 1])),
    "toa.port": _toa(lambda o: o[:3] + bytes([o[3] ^ 1]) + o[4:]),
    "toa.port-order": _toa(lambda o: o[:2] + o[3:1:-1] + o[4:]),
    "toa.address-order": _toa(lambda o: o[:4] + o[:3:-1]),
    "toa.as-ipv6": _toa(
        lambda o: o if len(o) != 8 else b"\xfe\x14" + o[2:4] + bytes(10) + b"\xff\xff" + o[4:]
    ),
    "toa.kind": _toa(lambda o: b"\xfc" + o[1:]),
    "toa.no-ack": _toa_where(_carries),
    "toa.no-request": _toa_where(lambda seen: not seen.payload),
    "toa.no-ipv6": _toa_where(lambda seen: seen.family == 4),
    "toa.last": _toa_moved,
    "toa.doubled": _toa_doubled,
    "toa.client-s-own": _toa_client_s_own,
    "toa.everywhere": _toa_everywhere,
    "toa.on-syn": _toa_on_syn,
    "tcp.checksum-rs": _checksum(packet.PROTO_TCP, 16, to_rs=True),
    "tcp.checksum-client": _checksum(packet.PROTO_TCP, 16, to_rs=False),
    "tcp.seq-off": _field(2, lambda v: (v + 1) & 0xFFFFFFFF, to_rs=True, when=_carries),
    "tcp.ack-off": _field(3, lambda v: (v + 1) & 0xFFFFFFFF, to_rs=False, when=_carries),
    "tcp.window": _field(5, lambda v: v >> 1, to_rs=False, when=_always),
    "tcp.push": _field(4, lambda v: v & ~PSH, to_rs=True, when=_carries),
    "tcp.ecn": _field(4, lambda v: v | 0x40, to_rs=True, when=_is_pure_ack),
    "tcp.port": _field(0, lambda v: v + 1, to_rs=False, when=_always),
    "tcp.timestamp": _timestamp_kept,
    "tcp.window-scale": _syn_option(3, lambda o: b"\x01" * len(o)),
    "tcp.sack-permitted": _syn_option(4, lambda o: b"\x01" * len(o)),
    "tcp.mss-raised": _syn_option(2, lambda o: o[:2] + b"\x23\x28"),
    "tcp.payload-rs": _payload(to_rs=True),
    "tcp.payload-client": _payload(to_rs=False),
    "tcp.doubled": _doubled(lambda seen: seen.to_rs and bool(seen.payload)),
    "tcp.lost-syn": _lost("syn", 15, _is_syn),
    "tcp.lost-ack": _lost("ack", 5, _is_pure_ack),
    "tcp.lost-answer": _lost("answer", 4, lambda seen: seen.to_client and bool(seen.payload)),
    "ip.ttl": _ip(_byte(8, lambda v: v - 1), to_rs=True),
    "ip.ttl-restored": _ip(_byte(8, lambda _: 255), to_rs=False),
    "ip.hop-limit": _ip(_byte(7, lambda v: v - 1), to_rs=True, family=16),
    "ip.traffic-class": _ip(_byte(1, lambda v: v ^ 0x08), to_rs=True),
    "ip.flow-label": _ip(_byte(3, lambda v: v ^ 1), to_rs=True, family=16),
    "ip.fragment": _ip(_byte(6, lambda v: v & ~0x40), to_rs=True),
    "ip.ident": _ip(_byte(4, lambda v: v ^ 1), to_rs=None),
    "ip.checksum": _ip_checksum,
    "mac.stranger": _other_mac,
    "mac.other-port": _port_s_sister,
    "arp.mac": _arp_mac,
    "address.lip": _from_lip,
    "icmp.checksum": _echo_checksum,
    "icmp.payload": _echo(lambda body: _at(body, len(body) - 1, lambda v: v ^ 1)),
    "icmp.short": _echo(lambda body: body[:32]),
    "icmp.sequence": _echo(lambda body: _at(body, 7, lambda v: v + 64)),
    "icmp.source": _echo_from_lip,
    "icmp.lost": _lost("echo", 7, lambda seen: seen.echo_reply),
    "icmp.doubled": _doubled(lambda seen: seen.echo_reply),
    "icmp6.silent": lambda seen: [] if seen.echo_reply and seen.family == 16 else [seen.frame],
    "udp.checksum": _checksum(packet.PROTO_UDP, 6, to_rs=False),
    "udp.port": _udp_port,
    "udp.doubled": _doubled(lambda seen: seen.to_client and seen.is_proto(packet.PROTO_UDP)),
    "udp.lost": _lost("udp", 4, lambda seen: seen.to_rs and seen.is_proto(17, 248)),
    "uoa.address": _uoa(lambda p: (p.proto, _at(p.body, 11, lambda v: v ^ 1))),
    "uoa.port": _uoa(lambda p: (p.proto, _at(p.body, 7, lambda v: v ^ 1))),
    "uoa.length": _uoa(lambda p: (p.proto, _at(p.body, 5, lambda v: v + 12))),
    "uoa.inner": _uoa(lambda p: (p.proto, _at(p.body, 1, lambda _: packet.PROTO_TCP))),
    "uoa.first-only": _uoa_first_only,
    "uoa.on-all": _uoa_on_all,
}


def leaving(path: DataPath, port: int, frame: bytes) -> list[bytes]:
    """What the device with its quirks sends instead of this frame."""
    frames = [frame]
    for name in path.quirks.omitted:
        change = LEAVING.get(name)
        if change is not None:
            frames = [out for one in frames for out in change(Seen(path, port, one))]
    return frames


# -- frames that come ------------------------------------------------------------------------


def _for_anybody(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """ARP and echo requests are answered whoever is meant."""
    own = path.ports[port].hardware
    if frame[12:14] == packet.ETH_ARP:
        parsed = packet.parse_arp(frame)
        if parsed is None or parsed[0] != packet.ARP_REQUEST or not any(parsed[2]):
            return None
        _, sha, spa, _, tpa = parsed
        if path.addresses.is_local(port, tpa) or path.is_for_kni(tpa, port) or spa == tpa:
            return None
        return [packet.arp(packet.ARP_REPLY, frame[6:12], own, tpa, sha, spa)]
    return None


def _vip_everywhere(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """ARP for an address of another port is answered here as well (arp_ignore of a Linux)."""
    own = path.ports[port].hardware
    parsed = packet.parse_arp(frame) if frame[12:14] == packet.ETH_ARP else None
    if parsed is None or parsed[0] != packet.ARP_REQUEST:
        return None
    _, sha, spa, _, tpa = parsed
    elsewhere = any(entry.addr == tpa and entry.port != port for entry in path.addresses.all())
    if not elsewhere:
        return None
    return [packet.arp(packet.ARP_REPLY, frame[6:12], own, tpa, sha, spa)]


ARRIVING: dict[str, Callable[[DataPath, int, bytes], list[bytes] | None]] = {
    "arp.anybody": _for_anybody,
    "arp.other-ports": _vip_everywhere,
}


def arriving(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """None: the frame is handled as ever; else what is sent instead of handling it."""
    for name in path.quirks.omitted:
        take = ARRIVING.get(name)
        if take is not None and (instead := take(path, port, frame)) is not None:
            return instead
    return None
