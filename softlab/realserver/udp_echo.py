"""The UDP server of a real server: answers each datagram with the peer that it saw.

    {"peer": [address, port], "uoa": [address, port] | null}

`uoa` is the client named by UOA, while the emulated module `uoa` is loaded. It is the counterpart
of a program that asks uoa.ko by getsockopt, and of uoa.ko itself: without the module no socket is
open for protocol 248, and the kernel answers such a packet with "protocol unreachable".

    udp-echo [--port 8053]

goes into the background once it listens. Stop it with `kill $(cat /run/udp-echo.pid)`.
"""

import argparse
import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from softlab.realserver import state, uoa

PORT: Final = 8053
PID_FILE: Final = Path("/run/udp-echo.pid")

_IP_PKTINFO: Final = 8
_FLOWS: Final = 65536

Flow = tuple[str, int, str, int]


class Flows:
    """Which client UOA named for a flow (source, its port, destination, its port)."""

    def __init__(self) -> None:
        self._clients: dict[Flow, tuple[uoa.Endpoint, float]] = {}

    def put(self, flow: Flow, client: uoa.Endpoint) -> None:
        self._clients.pop(flow, None)
        if len(self._clients) >= _FLOWS:
            del self._clients[next(iter(self._clients))]  # the oldest
        self._clients[flow] = client, time.monotonic()

    def get(self, flow: Flow) -> uoa.Endpoint | None:
        client, since = self._clients.get(flow, (None, 0.0))
        return client if time.monotonic() - since < uoa.MAP_SECONDS else None

    def clear(self) -> None:
        self._clients.clear()


class Server:
    """The server's sockets; `run` serves them until the process ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._flows = Flows()
        self._raw: list[socket.socket] = []
        self._udp = {
            family: self._udp_socket(family) for family in (socket.AF_INET, socket.AF_INET6)
        }
        state.CONTROL.unlink(missing_ok=True)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.bind(str(state.CONTROL))
        self._control.listen()
        self._serve(self._control, self._on_control)
        self._follow_module()

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                handle: Callable[[], None] = key.data
                # One datagram that cannot be answered (no route back) is not the server's end.
                with contextlib.suppress(OSError):
                    handle()

    def _serve(self, one: socket.socket, handle: Callable[[], None]) -> None:
        self._selector.register(one, selectors.EVENT_READ, handle)

    def _udp_socket(self, family: socket.AddressFamily) -> socket.socket:
        one = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            one.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_RECVOPTS, 1)
        one.bind(("", self._port))
        self._serve(one, lambda: self._on_udp(one, family))
        return one

    def _on_udp(self, one: socket.socket, family: socket.AddressFamily) -> None:
        _data, ancillary, _flags, peer = one.recvmsg(65536, 512)
        own, options = "", b""
        for level, kind, value in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, socket.IP_RECVOPTS):
                options = value
            elif (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                own = socket.inet_ntop(family, value[8:12])
            elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                own = socket.inet_ntop(family, value[:16])
        client = uoa.read_options(options)
        self._answer(family, (peer[0], peer[1], own, self._port), client, peer)

    def _on_opp(self, raw: socket.socket, family: socket.AddressFamily) -> None:
        packet, ancillary, _flags, peer = raw.recvmsg(65536, 512)
        if family == socket.AF_INET:  # a raw IPv4 socket gives the IP header too
            own = socket.inet_ntop(family, packet[16:20])
            packet = packet[(packet[0] & 0xF) * 4 :]
        else:
            own = socket.inet_ntop(family, ancillary[0][2][:16])
        try:
            opp = uoa.read_opp(packet)
        except uoa.BadOpp as reason:
            print(f"udp-echo: from {peer[0]}: {reason}", file=sys.stderr, flush=True)
            return
        # What the kernel would do with the datagram that uoa.ko makes of it.
        if opp.destination_port != self._port or not uoa.checksum_is_right(peer[0], own, opp.udp):
            return
        flow = (peer[0], opp.source_port, own, self._port)
        to = (peer[0], opp.source_port, *peer[2:])
        self._answer(family, flow, opp.client, to)

    def _answer(
        self,
        family: socket.AddressFamily,
        flow: Flow,
        client: uoa.Endpoint | None,
        to: tuple[str | int, ...],
    ) -> None:
        if client is not None and self._raw:
            self._flows.put(flow, client)
        text = json.dumps({"peer": list(flow[:2]), "uoa": self._flows.get(flow)})
        # From the address that was asked, whichever the routes would choose.
        own = socket.inet_pton(family, flow[2])
        if family == socket.AF_INET:
            source = (socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("@I4s4s", 0, own, b"\0" * 4))
        else:
            source = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("@16sI", own, 0))
        self._udp[family].sendmsg([text.encode()], [source], 0, to)

    def _on_control(self) -> None:
        connection, _ = self._control.accept()
        with connection:
            self._follow_module()
            connection.sendall(b"done\n")

    def _follow_module(self) -> None:
        """Open the sockets for protocol 248 if the module is loaded, close them if it is not."""
        loaded = state.is_loaded("uoa")
        if loaded == bool(self._raw):
            return
        for raw in self._raw:
            self._selector.unregister(raw)
            raw.close()
        self._raw = []
        self._flows.clear()
        if loaded:
            self._raw = [self._raw_socket(family) for family in self._udp]

    def _raw_socket(self, family: socket.AddressFamily) -> socket.socket:
        raw = socket.socket(family, socket.SOCK_RAW, uoa.PROTOCOL)
        if family == socket.AF_INET6:
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._serve(raw, lambda: self._on_opp(raw, family))
        return raw


def main() -> None:
    """Listen, then go into the background as a daemon does."""
    parser = argparse.ArgumentParser(prog="udp-echo", description="Answer with the peer and UOA")
    parser.add_argument("--port", type=int, default=PORT)
    arguments = parser.parse_args()
    try:
        server = Server(arguments.port)
    except OSError as error:
        sys.exit(f"udp-echo: port {arguments.port}: {error.strerror}")
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    PID_FILE.write_text(f"{os.getpid()}\n")
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open("/var/log/udp-echo.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, number)
    server.run()


if __name__ == "__main__":
    main()
