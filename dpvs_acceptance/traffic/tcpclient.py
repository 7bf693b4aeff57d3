"""A small TCP client with full control of headers: forged TOA, full option sets, unusual flags.

It uses an address that the client's kernel does not have (the station answers ARP and ND for it),
so the kernel does not reset its connections. It sends in order, acknowledges in-order data, and
does not retransmit, so every frame on the wire is intended. One round trip per step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from . import tcpoptions, timeouts
from .connection import SocketAddress
from .craftedend import WRAP, CraftedEnd
from .dissect import dissect
from .errors import NotSeen
from .frame import Frame
from .match import TCP, Match
from .station import Owned, Station
from .tcpoptions import Options, TcpOption
from .views import TcpView, describe

LINUX_SYN: Options = (
    tcpoptions.mss(1460),
    TcpOption(tcpoptions.SACK_PERMITTED),
    tcpoptions.timestamp(1000),
    TcpOption(tcpoptions.NOP),
    tcpoptions.wscale(7),
)
"""The options of a Linux SYN, 20 bytes."""


class Reset(AssertionError):  # noqa: N818  (a finding about the device or the RS)
    """The peer answered with RST."""


def http_complete(data: bytes) -> bool:
    """Whether an HTTP/1 response is complete (by Content-Length)."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False  # such a body ends with the connection


class CraftedTcp(CraftedEnd):
    """One connection. In its context it owns its address and captures its frames.

    mac: the next hop towards the target. received: every received segment, in order of arrival.
    After the context, ``capture.frames`` has the frames of both directions.
    """

    def __init__(
        self,
        station: Station,
        source: SocketAddress,
        target: SocketAddress,
        mac: str,
        *,
        isn: int | None = None,
        deadline: float | None = None,
    ) -> None:
        keep = [Match(host=source.address, protocol=TCP)]
        super().__init__(station, source, target, mac, isn, keep=keep)
        self.deadline = timeouts.seconds(3.0, deadline)
        self.ended = False  # the peer has sent FIN
        self.received: list[TcpView] = []
        self.syn_ack: TcpView | None = None
        self._proxy_arp: AbstractContextManager[Owned] = station.proxy_arp(source.address)
        self._data = bytearray()
        self._arrived = Match(
            outgoing=False,
            src=target.address,
            dst=source.address,
            sport=target.port,
            dport=source.port,
            protocol=TCP,
        )

    @property
    def source(self) -> SocketAddress:
        """Its own end."""
        return self.own

    @property
    def target(self) -> SocketAddress:
        """The end that it speaks to."""
        return self.peer

    def __enter__(self) -> Self:
        self._proxy_arp.__enter__()
        try:
            self.capture.arm()
        except BaseException as error:
            self._proxy_arp.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.capture.__exit__(kind, error, trace)
        finally:
            self._proxy_arp.__exit__(kind, error, trace)

    def connect(self, options: Options = LINUX_SYN, ack_options: Options = ()) -> TcpView:
        """Handshake; returns the SYN-ACK. Raises Reset, or NotSeen if none arrived in time."""
        syn = self.segment("S", options=options)
        arrived = self._exchange([syn], "SYN-ACK", time.monotonic() + self.deadline)
        answer = next((view for view in arrived if view.has("SA")), None)
        if answer is None:
            raise self._not_seen("SYN-ACK")
        expected = (self.seq + 1) % WRAP
        if answer.ack != expected:
            raise NotSeen(
                f"{self.target}: SYN-ACK acknowledges {answer.ack}, expected {expected}: "
                f"{describe(answer)}"
            )
        self.syn_ack = answer
        self.seq = expected
        self.ack = (answer.seq + 1) % WRAP
        self._put([self.segment("A", options=ack_options)])
        return answer

    def send(self, payload: bytes, options: Options = (), flags: str = "PA") -> None:
        """Send data without waiting for an answer."""
        self._put([self.segment(flags, payload, options=options)])
        self.moved(len(payload) + ("F" in flags))

    def request(
        self,
        payload: bytes,
        options: Options = (),
        *,
        until: Callable[[bytes], bool] = http_complete,
    ) -> bytes:
        """Send a request, acknowledge the response and return it.

        Ends when ``until`` accepts the data received so far, or with the peer's FIN.
        """
        self._data.clear()
        out = [self.segment("PA", payload, options=options)]
        self.moved(len(payload))
        give_up = time.monotonic() + self.deadline
        while True:
            before = self.ack
            self._exchange(out, "response", give_up)
            out = [self.segment("A")] if self.ack != before else []
            if self.ended or until(bytes(self._data)):
                break
        if out:
            self._put(out)
        return bytes(self._data)

    def close(self) -> None:
        """Send FIN, and wait for the peer's FIN unless it was received already."""
        out = [self.segment("FA")]
        self.moved(1)
        if self.ended:
            self._put(out)
            return
        give_up = time.monotonic() + self.deadline
        while not self.ended:
            self._exchange(out, "FIN", give_up)
            out = []
        self._put([self.segment("A")])

    def reset(self) -> None:
        self._put([self.segment("R")])

    def _put(self, frames_: list[bytes]) -> None:
        self.station.send(frames_)

    def _exchange(self, out: list[bytes], what: str, give_up: float) -> list[TcpView]:
        left = max(0.0, give_up - time.monotonic())
        waited = self.station.exchange(self.capture, out, self._arrived, deadline=left)
        if not waited.frames:
            raise self._not_seen(what)
        return [self._take(frame) for frame in waited.frames]

    def _take(self, frame: Frame) -> TcpView:
        view = dissect(frame)
        assert isinstance(view, TcpView)
        self.received.append(view)
        if view.has("R"):
            raise Reset(f"{self.target} reset the connection: {describe(view)}")
        if (
            self.syn_ack is not None and view.seq == self.ack
        ):  # in order; otherwise a retransmission
            self._data += view.payload
            self.ack = (self.ack + len(view.payload) + view.has("F")) % WRAP
            self.ended = self.ended or view.has("F")
        return view

    def _not_seen(self, what: str) -> NotSeen:
        came = "\n".join(f"  {describe(view)}" for view in self.received[-5:]) or "  nothing"
        return NotSeen(
            f"{self.source} to {self.target}: expected the {what} within {self.deadline:g} s, "
            f"received so far:\n{came}"
        )
