"""SYN proxy: DPVS answers the SYN, and connects to the real server after the client's handshake.

``ip_vs_synproxy.c``: the SYN-ACK is made from the client's SYN, with a cookie as sequence number
(syn_proxy_reuse_mbuf). On the client's ACK, DPVS sends a SYN to the real server
(syn_proxy_send_rs_syn) and holds the ACK until the answer. It does not forward the real server's
SYN-ACK (dp_vs_synproxy_synack_rcv), except as a window update if the client had a window of 0. From
then on the connection is FullNAT, and the real server's sequence numbers are rewritten too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dpvs_acceptance.traffic.connection import Connection, FullNat, SocketAddress
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.expected import WRAP, Expected, sack_moved, tcp_at_client, tcp_at_rs
from dpvs_acceptance.traffic.pairing import Conversation, NotPaired, PacketPair, flow_frames, paired
from dpvs_acceptance.traffic.verify import WrongPacket, compare
from dpvs_acceptance.traffic.views import DONT_FRAGMENT, TcpView, View, describe

from .fullnat import openings
from .mode import Followed, Views, followed
from .synpackets import DEFAULTS, Settings, rs_syn, syn_ack

_HANDSHAKE = 3  # its packets, which DPVS generates


@dataclass(frozen=True, slots=True)
class SynProxy:
    """A FullNAT service with SYN proxy."""

    facts: FullNat
    settings: Settings = DEFAULTS

    @property
    def title(self) -> str:
        return "synproxy"

    @property
    def vip(self) -> SocketAddress:
        return self.facts.vip

    def openings(self, rs_views: Views) -> dict[str, list[TcpView]]:
        return openings(self.facts, rs_views)

    def tcp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        ours = flow_frames(client_views, TcpView, client, self.vip)
        name, lip, rs = self._found(ours, rs_views, client)
        theirs = flow_frames(rs_views[name], TcpView, lip, rs)
        first = _Handshakes.of(ours, theirs, client, lip, name)
        if not self.settings.close_window:
            first = replace(first, update=None)
        proxied = self._mapping(first, client, lip, rs)
        findings = list(self._handshakes(first, proxied, ignore))
        made = (first.syn, first.syn_ack, first.rs_syn, first.rs_syn_ack, first.update)
        ours = [view for view in ours if not any(view is one for one in made)]
        ours = [view for view in ours if not _again(view, first.syn)]
        theirs = [view for view in theirs if not any(view is one for one in made)]
        pairs = paired(ours, theirs, client, lip, proxied.key(client, lip))
        found = Conversation(client, self.vip, lip, rs, name, pairs)

        def expect(pair: PacketPair[TcpView]) -> tuple[Expected, ...]:
            assert pair.sent is not None
            return (proxied.at_rs(pair.sent) if pair.towards_rs else proxied.at_client(pair.sent),)

        findings += compare(found, expect, ignore)
        return followed(self.title, found, findings, besides=_HANDSHAKE)

    def udp(
        self,
        client_views: Iterable[View],
        rs_views: Views,
        client: SocketAddress,
        ignore: dict[str, str] | None = None,
    ) -> Followed:
        del client_views, rs_views, client, ignore
        raise NotPaired(f"{self.vip}: SYN proxy is for TCP services only")

    def _found(
        self, ours: list[TcpView], rs_views: Views, client: SocketAddress
    ) -> tuple[str, SocketAddress, SocketAddress]:
        """The real server with the client's segments, found by fields that DPVS does not change."""
        same_family = self.vip.version == next(iter(self.facts.rs)).version
        sent = {_mark(v, same_family) for v in ours if v.src == client.address and not v.handshake}
        scores: dict[tuple[str, SocketAddress, SocketAddress], int] = {}
        for name, views in rs_views.items():
            for view in views:
                if not isinstance(view, TcpView) or _mark(view, same_family) not in sent:
                    continue
                lip, rs = SocketAddress(view.src, view.sport), SocketAddress(view.dst, view.dport)
                if rs in self.facts.rs and not view.handshake:
                    place = (name, lip, rs)
                    scores[place] = scores.get(place, 0) + 1
        if not scores:
            shown = "\n".join(f"  {describe(view)}" for view in ours[:6]) or "  nothing"
            raise NotPaired(
                f"connection of {client} to {self.vip}: none of its segments arrived at "
                f"{', '.join(rs_views) or 'any RS'}; at the client:\n{shown}"
            )
        return max(scores, key=lambda place: scores[place])

    def _mapping(
        self, first: _Handshakes, client: SocketAddress, lip: SocketAddress, rs: SocketAddress
    ) -> Proxied:
        connection = self.facts.connection(client, lip, rs)
        connection = replace(
            connection,
            seq_offset=(first.rs_syn.seq - first.syn.seq) % WRAP,
            # TOA depends on the client's acknowledgement number before it is rewritten.
            rs_first=(first.syn_ack.seq + 1) % WRAP,
        )
        return Proxied(connection, (first.rs_syn_ack.seq - first.syn_ack.seq) % WRAP)

    def _handshakes(
        self, first: _Handshakes, proxied: Proxied, ignore: dict[str, str] | None
    ) -> Iterator[WrongPacket]:
        made: list[tuple[str, Expected, TcpView | None]] = [
            (
                "the SYN-ACK to the client",
                syn_ack(first.syn, self.facts, self.settings),
                first.syn_ack,
            ),
            (
                "the SYN to the real server",
                rs_syn(first.syn, first.client_ack, proxied.connection, self.settings),
                first.rs_syn,
            ),
        ]
        if self.settings.close_window:
            wanted = proxied.window_update(first.rs_syn_ack)
            made.append(("the window update to the client", wanted, first.update))
        for what, wanted, seen in made:
            wrong = differences(wanted, seen, ignore)
            if wrong:
                yield WrongPacket(what, tuple(wrong))


@dataclass(frozen=True, slots=True)
class Proxied:
    """One connection: that of FullNAT, and the offset of the real server's sequence numbers.

    moved: the real server's sequence number minus the client's view of it, modulo 2^32.
    """

    connection: Connection
    moved: int

    def at_rs(self, sent: TcpView) -> Expected:
        """dp_vs_synproxy_dnat_handler: ACK and SACK converted to the real server's numbers."""
        expected = tcp_at_rs(sent, self.connection)
        view = expected.view
        assert isinstance(view, TcpView)
        view = replace(
            view,
            ack=(sent.ack + self.moved) % WRAP if sent.has("A") else sent.ack,
            options=sack_moved(view.options, -self.moved % WRAP),
        )
        return Expected(view, expected.free)

    def at_client(self, sent: TcpView) -> Expected:
        """dp_vs_synproxy_snat_handler: sequence numbers relative to the cookie."""
        expected = tcp_at_client(sent, self.connection)
        view = expected.view
        assert isinstance(view, TcpView)
        return Expected(replace(view, seq=(sent.seq - self.moved) % WRAP), expected.free)

    def window_update(self, syn_ack: TcpView) -> Expected:
        """syn_proxy_send_window_update: the real server's SYN-ACK as an empty ACK."""
        four = syn_ack.version == 4
        bare = replace(
            syn_ack,
            flags=syn_ack.flags.replace("S", ""),
            seq=(syn_ack.seq + 1) % WRAP,
            options=(),
            options_left=b"",
            payload=b"",
            data_offset=5,
            tos=0 if four else syn_ack.tos & 0x0F,
            ip_flags=DONT_FRAGMENT if four else None,
            ip_options=b"",
            ip_length=(20 if four else 40) + 20,
        )
        return self.at_client(bare)

    def key(
        self, client: SocketAddress, lip: SocketAddress
    ) -> Callable[[TcpView, bool], tuple[object, ...]]:
        offset = self.connection.seq_offset or 0

        def key(view: TcpView, at_rs: bool) -> tuple[object, ...]:
            if view.sport in (client.port, lip.port):
                seq = view.seq - (offset if at_rs else 0)
            else:
                seq = view.seq - (self.moved if at_rs else 0)
            return (seq % WRAP, view.flags, view.payload)

        return key


@dataclass(frozen=True, slots=True)
class _Handshakes:
    """The packets of both handshakes. update: the window update, if any."""

    syn: TcpView
    syn_ack: TcpView
    client_ack: TcpView
    rs_syn: TcpView
    rs_syn_ack: TcpView
    update: TcpView | None

    @classmethod
    def of(
        cls,
        ours: list[TcpView],
        theirs: list[TcpView],
        client: SocketAddress,
        lip: SocketAddress,
        rs_name: str,
    ) -> _Handshakes:
        def first(views: list[TcpView], flags: str, source: SocketAddress, where: str) -> TcpView:
            for view in views:
                sent = (view.src, view.sport) == (source.address, source.port)
                if (
                    sent == (flags != "SA")
                    and view.has(flags)
                    and (view.handshake == (flags == "S"))
                ):
                    return view
            raise NotPaired(
                f"connection of {client}: no {'SYN' if 'S' in flags else ''}"
                f"{'-' if flags == 'SA' else ''}{'ACK' if 'A' in flags else ''} at {where}"
            )

        syn_ack = first(ours, "SA", client, "the client")
        opened = (syn_ack.seq + 1) % WRAP
        update = next(
            (
                v
                for v in ours
                if v.sport == syn_ack.sport
                and v.src == syn_ack.src
                and v.flags == "A"
                and v.seq == opened
                and v.ack == syn_ack.ack
                and not v.payload
            ),
            None,
        )
        return cls(
            first(ours, "S", client, "the client"),
            syn_ack,
            first(ours, "A", client, "the client"),
            first(theirs, "S", lip, rs_name),
            first(theirs, "SA", lip, rs_name),
            update,
        )


def _again(view: TcpView, syn: TcpView) -> bool:
    """A retransmitted SYN of the client: answered with another cookie, never forwarded."""
    return view.handshake and view.seq == syn.seq


def _mark(view: TcpView, same_family: bool) -> tuple[object, ...]:
    """Fields that DPVS does not change, to recognise a segment."""
    header = (view.ip_id, view.flow_label) if same_family else ()
    return (*header, view.flags, view.window, view.payload)
