# ruff: noqa: UP006, UP035  (Python 3.6: no builtin generics, no "X | None")
"""The real server of traffic checks: HTTP and datagrams whose every octet it verifies.

A request is ``POST /FLOW/DOWN/END``: its body are octets of the flow's first stream, the answer
has DOWN octets of its second. END is what the server does then: ``keep`` the connection, ``close``
it, ``half`` (close its own direction, read on until the client's FIN), ``reset`` it.
A datagram is HEADER and octets; it is answered by the same header and as many octets as it asks.
"""

import asyncio
import contextlib
import socket
import struct
import time
from typing import Any, Dict, List, Tuple

from .octets import first_wrong, keys, octets

HEADER = struct.Struct("!2sIIH")  # mark, flow, number of the datagram, octets of the answer
ASKS, ANSWERS = b"Dq", b"Da"
OPP = 248  # a datagram with UOA in front, where no uoa.ko takes it off
LAST_SEGMENTS = 2.0  # seconds
HEAD_LIMIT = 1 << 16
NO_LINGER = struct.pack("ii", 1, 0)


class TcpVisit:
    """One connection as the server saw it."""

    def __init__(self, peer: Tuple[Any, ...]) -> None:
        self.peer = [peer[0], peer[1]]
        self.requests: List[List[int]] = []  # flow, octets of the body, offset of the first wrong
        self.end = "open"
        self.late = 0  # octets after the server had closed its direction

    def report(self) -> List[Any]:
        return [self.peer, self.requests, self.end, self.late]


class TrafficServer:
    def __init__(self, addresses: List[str], port: int) -> None:
        self.visits: List[TcpVisit] = []
        self.flows: Dict[Tuple[str, int], List[List[int]]] = {}
        self.tcp: List[socket.socket] = []
        self.udp: Dict[str, socket.socket] = {}
        self.raw: List[socket.socket] = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self.tcp.append(self._bound(socket.socket(family, socket.SOCK_STREAM), address, port))
            self.udp[address] = self._bound(socket.socket(family, socket.SOCK_DGRAM), address, port)
            self.raw.append(self._bound(socket.socket(family, socket.SOCK_RAW, OPP), address, 0))
        self.port = port

    @staticmethod
    def _bound(sock: socket.socket, address: str, port: int) -> socket.socket:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.setblocking(False)
        sock.bind((address, port))
        if sock.type & 0xF == socket.SOCK_STREAM:
            sock.listen(4096)
        return sock

    def run(self, orders: int) -> Dict[str, Any]:
        """Serve until the first order; what was seen."""
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        stop = self.loop.create_future()
        self.loop.add_reader(orders, self._stop, orders, stop)
        for sock in self.tcp:
            self.loop.create_task(asyncio.start_server(self._visit, sock=sock, limit=HEAD_LIMIT))
        for sock in self.udp.values():
            self.loop.add_reader(sock.fileno(), self._datagrams, sock)
        for sock, raw in zip(self.udp.values(), self.raw):  # noqa: B905
            self.loop.add_reader(raw.fileno(), self._unpacked, raw, sock)
        self.loop.run_until_complete(stop)
        self.loop.run_until_complete(self._ended())
        flows = [[list(peer), seen] for peer, seen in self.flows.items()]
        return {"visits": [visit.report() for visit in self.visits], "flows": flows}

    async def _ended(self) -> None:
        """Clients have ended their connections: wait for their last segments, not for ever."""
        give_up = time.monotonic() + LAST_SEGMENTS
        while time.monotonic() < give_up and any(v.end == "open" for v in self.visits):
            await asyncio.sleep(0.01)

    def _stop(self, orders: int, stop: "asyncio.Future[None]") -> None:
        self.loop.remove_reader(orders)
        stop.set_result(None)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = TcpVisit(writer.get_extra_info("peername"))
        self.visits.append(visit)
        try:
            while await self._request(visit, reader, writer):
                pass
        except asyncio.IncompleteReadError as error:
            visit.end = "cut" if error.partial else "fin"
        except ConnectionError:
            visit.end = "reset"
        except (OSError, ValueError, asyncio.LimitOverrunError) as error:
            visit.end = f"{type(error).__name__}: {error}"
        finally:
            writer.close()

    async def _request(
        self, visit: TcpVisit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        _, flow, down, end = head.split(b" ", 2)[1].decode("ascii").split("/")
        asks, answers = keys(int(flow))
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = await reader.readexactly(length)
        visit.requests.append([int(flow), len(body), first_wrong(asks, 0, body)])
        if end == "reset":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER
            )
            visit.end = "reset by the server"
            return False
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: "
            + down.encode("ascii")
            + b"\r\n\r\n"
            + octets(answers, 0, int(down))
        )
        await writer.drain()
        if end == "half":
            writer.write_eof()
            visit.late = len(await reader.read())
            visit.end = "fin"
            return False
        if end == "close":
            visit.end = "closed by the server"
            return False
        return True

    def _datagrams(self, sock: socket.socket) -> None:
        for _ in range(64):
            try:
                data, peer = sock.recvfrom(1 << 16)
            except BlockingIOError:
                return
            self._answer(sock, data, peer)

    def _unpacked(self, raw: socket.socket, sock: socket.socket) -> None:
        """Protocol 248: opp header, options, UDP. IPv4's raw sockets have the IP header, too."""
        for _ in range(64):
            try:
                data, peer = raw.recvfrom(1 << 16)
            except BlockingIOError:
                return
            if raw.family == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            if len(data) < 12 or data[1] != socket.IPPROTO_UDP:
                continue
            inner = data[int.from_bytes(data[2:4], "big") :]
            source, target, length = struct.unpack_from("!HHH", inner)
            if target == self.port and length <= len(inner):
                self._answer(sock, inner[8:length], (peer[0], source, *peer[2:]))

    def _answer(self, sock: socket.socket, data: bytes, peer: Tuple[Any, ...]) -> None:
        seen = self.flows.setdefault((peer[0], peer[1]), [])
        if len(data) < HEADER.size or data[:2] != ASKS:
            seen.append([-1, -1, len(data), -1])
            answer = data
        else:
            _, flow, number, down = HEADER.unpack_from(data)
            asks, answers = keys(flow)
            wrong = first_wrong(asks, number, data[HEADER.size :])
            seen.append([flow, number, len(data), wrong])
            answer = HEADER.pack(ANSWERS, flow, number, down) + octets(
                answers, number, max(0, down - HEADER.size)
            )
        # A full queue loses it, as any queue on the way may: the client sees it missing.
        with contextlib.suppress(BlockingIOError):
            sock.sendto(answer, peer)

    @property
    def sockets(self) -> List[socket.socket]:
        return self.tcp + list(self.udp.values()) + self.raw

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
