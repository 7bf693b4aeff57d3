"""One TCP connection through the load balancer with both ends crafted.

The addresses of client and real server belong only to their stations, not to the hosts' kernels. So
every segment is intended, and the other side shows what the load balancer does with it:
retransmissions, resets, unusual flags, ICMP errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from .connection import SocketAddress
from .craftedend import WRAP, CraftedEnd
from .dissect import dissect
from .errors import NotSeen
from .match import TCP, Match
from .station import Station
from .tcpclient import LINUX_SYN
from .tcpoptions import Options
from .views import TcpView, UdpView, View, describe


class TwoEnds:
    """The connection. Both sides are captured in the context; the caller must own the addresses.

    only: capture only frames that contain one of these payloads; default: all frames. vip: the
    client's target; lip: the RS's peer until the SYN arrives. After the context, the frames are in
    ``client.capture`` and ``server.capture``.
    """

    def __init__(
        self,
        client: Station,
        source: SocketAddress,
        vip: SocketAddress,
        next_hop: str,
        server: Station,
        rs: SocketAddress,
        lan_mac: str,
        *,
        isn: int | None = None,
        rs_isn: int | None = None,
        only: Sequence[bytes] = (),
        deadline: float = 3.0,
    ) -> None:
        unknown = SocketAddress(source.address, 0)
        self.client = CraftedEnd(client, source, vip, next_hop, isn, keep=_kept(source, only))
        self.server = CraftedEnd(server, rs, unknown, lan_mac, rs_isn, keep=_kept(rs, only))
        self.deadline = deadline
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for side in (self.client, self.server):
                stack.enter_context(side.capture)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    # -- segments that must be forwarded

    def to_rs(self, flags: str, payload: bytes = b"", *, count: bool = True, **how: Any) -> TcpView:
        """Send from the client; returns the segment as received by the RS. Raises NotSeen.

        count: advance the client's sequence number, False for a retransmission.
        """
        return self._cross(self.client, self.server, flags, payload, count, how)

    def to_client(
        self, flags: str, payload: bytes = b"", *, count: bool = True, **how: Any
    ) -> TcpView:
        """Send from the RS; returns the segment as received by the client. Raises NotSeen."""
        return self._cross(self.server, self.client, flags, payload, count, how)

    def open(self, options: Options = LINUX_SYN, ack_options: Options = ()) -> None:
        """The handshake: SYN, SYN-ACK, ACK, each received by the other side."""
        self.syn(options)
        self.to_client("SA", options=LINUX_SYN)
        self.to_rs("A", options=ack_options)

    def syn(self, options: Options = LINUX_SYN, **how: Any) -> TcpView:
        """The client's SYN; afterwards the RS knows its peer, the LIP and port."""
        self.client.ack = 0
        return self.to_rs("S", options=options, **how)

    def _cross(
        self,
        sender: CraftedEnd,
        receiver: CraftedEnd,
        flags: str,
        payload: bytes,
        count: bool,
        how: dict[str, Any],
    ) -> TcpView:
        frame = sender.segment(flags, payload, **how)
        sender.station.send([frame])
        if count:
            sender.moved(len(payload) + ("S" in flags) + ("F" in flags))
        view = self.receive(receiver, flags, f"{flags or 'a segment without flags'}")
        if receiver is self.server:
            receiver.peer = SocketAddress(view.src, view.sport)
        if "A" in view.flags or "S" in view.flags:
            expected = (view.seq + view.sequence_length) % WRAP
            if "S" in view.flags or view.seq == receiver.ack:
                receiver.ack = expected
        return view

    def receive(self, side: CraftedEnd, flags: str, what: str) -> TcpView:
        """The next segment received by this side with at least these flags. Raises NotSeen."""
        wanted = Match(
            outgoing=False, dst=side.own.address, dport=side.own.port, protocol=TCP, flags=flags
        )
        waited = side.capture.wait_next(wanted, 1, self.deadline)
        if not waited.frames:
            raise NotSeen(
                f"{side.station.host_name}: expected {what} at {side.own} within "
                f"{self.deadline:g} s, seen none"
            )
        view = dissect(waited.frames[0])
        assert isinstance(view, TcpView)
        return view

    # -- datagrams between the same ends

    def datagram_to_rs(self, payload: bytes, **how: Any) -> UdpView:
        """Send from the client; returns the datagram as received by the RS, and sets its peer."""
        view = self._datagram(self.client, self.server, payload, how)
        self.server.peer = SocketAddress(view.src, view.sport)
        return view

    def datagram_to_client(self, payload: bytes, **how: Any) -> UdpView:
        """Send from the RS; returns the datagram as received by the client. Raises NotSeen."""
        return self._datagram(self.server, self.client, payload, how)

    def _datagram(
        self, sender: CraftedEnd, receiver: CraftedEnd, payload: bytes, how: Any
    ) -> UdpView:
        sender.station.send([sender.datagram(payload, **how)])
        own = receiver.own
        wanted = Match(outgoing=False, dst=own.address, dport=own.port, payload=payload)
        waited = receiver.capture.wait_next(wanted, 1, self.deadline)
        view = dissect(waited.frames[0]) if waited.frames else None
        if not isinstance(view, UdpView):
            raise NotSeen(
                f"{receiver.station.host_name}: expected a datagram of {len(payload)} octets at "
                f"{own} within {self.deadline:g} s, seen none"
            )
        return view

    # -- afterwards

    def arrived(self, side: CraftedEnd) -> list[TcpView]:
        """Every TCP segment that this side received. Raises InconclusiveCapture on lost frames."""
        return [
            view
            for view in side.capture.views(Match(outgoing=False, dst=side.own.address))
            if isinstance(view, TcpView) and view.dport == side.own.port
        ]

    def views(self) -> tuple[Sequence[View], dict[str, Sequence[View]]]:
        """The views of both sides, for ``pairing.find_tcp``."""
        return self.client.capture.views(), {"rs": self.server.capture.views()}

    def __str__(self) -> str:
        lines = [f"connection of {self.client.own} to {self.client.peer}, RS {self.server.own}"]
        for side in (self.client, self.server):
            lines.append(f"at {side.own}:")
            lines += [f"  {describe(view)}" for view in side.capture.views()]
        return "\n".join(lines)


def _kept(end: SocketAddress, only: Sequence[bytes]) -> list[Match]:
    return [Match(host=end.address, payload=part) for part in only]
