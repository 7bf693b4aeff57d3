# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""The client of traffic checks: many connections and UDP flows at once, by real sockets."""

import asyncio
import contextlib
import os
import socket
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional, Tuple

from .octets import first_wrong, keys, octets
from .serving import ASKS, HEADER, NO_LINGER

SLICE = 1 << 16
SHOWN = 200  # octets of a body that is no stream


def words(error: Exception) -> str:
    """As the kernel says it: asyncio's own words of a refused connection are about its calls."""
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else str(error)


class TrafficClient:
    """Runs flows, at most ``parallel`` at once, for at most ``seconds`` in all.

    patience: seconds that one step may take, such as a connection or the next octets of an answer.

    A connection: [flow, source ports, [[up, down, pause, end], ...], pad, end, read rate, tos].
    A UDP flow: [flow, source ports, [[up, down, pause], ...], seconds for an answer, tos].
    pause: seconds before it is sent; below 0: until the order, and no longer than so many seconds.
    tos: the octet of DSCP and ECN (TCP: the kernel's own ECN).
    """

    def __init__(
        self,
        target: Tuple[str, int],
        source: Optional[str],
        parallel: int,
        seconds: float,
        patience: float,
    ) -> None:
        self.target = target
        self.source = source or ""
        self.family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self.deadline = time.monotonic() + seconds
        self.patience = patience
        self.parallel = parallel

    def run(self, orders: int, tcp: List[List[Any]], udp: List[List[Any]]) -> Dict[str, Any]:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.ordered = asyncio.Event()
        self.loop.add_reader(orders, self._order, orders)
        began = time.monotonic()
        answers = self.loop.run_until_complete(
            self._all([(self._connection, one) for one in tcp] + [(self._flow, one) for one in udp])
        )
        return {
            "tcp": answers[: len(tcp)],
            "udp": answers[len(tcp) :],
            "seconds": time.monotonic() - began,
        }

    def _order(self, orders: int) -> None:
        os.read(orders, 1)
        self.ordered.set()

    async def _all(
        self, work: List[Tuple[Callable[[List[Any]], Awaitable[Dict[str, Any]]], List[Any]]]
    ) -> List[Dict[str, Any]]:
        answers: List[Dict[str, Any]] = [{"error": "not begun"} for _ in work]
        waiting = list(range(len(work)))[::-1]

        async def worker() -> None:
            while waiting and time.monotonic() < self.deadline:
                number = waiting.pop()
                make, one = work[number]
                answers[number] = await make(one)

        await asyncio.gather(*[worker() for _ in range(min(self.parallel, len(work)))])
        return answers

    def _socket(self, kind: int, ports: List[int], tos: int) -> socket.socket:
        sock = socket.socket(self.family, kind)
        try:
            sock.setblocking(False)
            # For a port in TIME_WAIT. If the kernel chooses, two flows would get the same one.
            if kind == socket.SOCK_STREAM and ports != [0]:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if tos and self.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
            elif tos:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            for port in ports:
                try:
                    sock.bind((self.source, port))
                    break
                except OSError:
                    if port == ports[-1]:
                        raise
        except BaseException:
            sock.close()
            raise
        return sock

    async def _in_time(self, work: Awaitable[Any], what: str) -> Any:
        began = time.monotonic()
        try:
            return await asyncio.wait_for(work, max(0.0, min(self.deadline - began, self.patience)))
        except asyncio.TimeoutError:  # noqa: UP041 - its own class before Python 3.11
            raise TimeoutError(f"{what} within {time.monotonic() - began:.1f} s") from None

    async def _pause(self, seconds: float) -> None:
        if seconds < 0:
            left = min(-seconds, self.deadline - time.monotonic())
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.ordered.wait(), left)
        elif seconds:
            await asyncio.sleep(seconds)

    # -- TCP

    async def _connection(self, spec: List[Any]) -> Dict[str, Any]:
        flow, ports, requests, pad, end, rate, tos = spec
        report: Dict[str, Any] = {"port": 0, "connect": -1.0, "answers": [], "end": "", "error": ""}
        sock = self._socket(socket.SOCK_STREAM, ports, tos)
        try:
            began = time.monotonic()
            await self._in_time(self.loop.sock_connect(sock, self.target), "no connection")
            report["connect"] = time.monotonic() - began
            report["port"] = sock.getsockname()[1]
            for number, one in enumerate(requests):
                await self._pause(one[2])
                last = number == len(requests) - 1
                await self._request(sock, flow, one, pad, rate, last and end == "half", report)
            await self._end(sock, end, requests[-1][3] if requests else "keep", report)
        except (OSError, ValueError, asyncio.TimeoutError) as error:  # noqa: UP041
            report["error"] = words(error)
        finally:
            sock.close()
        return report

    async def _request(
        self,
        sock: socket.socket,
        flow: int,
        one: List[Any],
        pad: int,
        rate: int,
        closes: bool,
        report: Dict[str, Any],
    ) -> None:
        up, down, _, end = one
        asks, answers = keys(flow)
        head = "{} /{}/{}/{} HTTP/1.1\r\nHost: check\r\n".format(
            "POST" if up else "GET", flow, down, end
        )
        if up:
            head += f"Content-Length: {up}\r\n"
        if pad:
            head += "X-Padding: {}\r\n".format("p" * pad)
        began = time.monotonic()
        await self._in_time(
            self.loop.sock_sendall(sock, head.encode("ascii") + b"\r\n" + octets(asks, 0, up)),
            f"the request of {up} octets could not be sent",
        )
        if closes:
            sock.shutdown(socket.SHUT_WR)
        if end == "reset":
            report["answers"].append(await self._reset(sock))
            return
        data = b""
        first = 0.0
        wanted = -1
        while wanted < 0 or len(data) < wanted:
            chunk = await self._in_time(
                self.loop.sock_recv(sock, rate // 20 if rate else SLICE),
                "{} octets of the answer, {} expected,".format(
                    len(data), wanted if wanted >= 0 else "its head"
                ),
            )
            if not chunk:
                raise ConnectionError(f"closed after {len(data)} octets of the answer")
            first = first or time.monotonic() - began
            data += chunk
            if wanted < 0:
                wanted = self._length(data)
            if rate:
                await asyncio.sleep(0.05)
        took = time.monotonic() - began
        head_end = data.index(b"\r\n\r\n") + 4
        body = data[head_end:wanted]
        status = int(data.split(b" ", 2)[1])
        wrong = first_wrong(answers, 0, body)
        said = body[:SHOWN].decode("latin-1") if wrong >= 0 else ""
        report["answers"].append([status, first, took, len(body), wrong, said])
        if len(data) > wanted:
            raise ValueError(f"{len(data) - wanted} octets behind the answer")

    @staticmethod
    def _length(data: bytes) -> int:
        """Octets of head and body, -1 while the head is not complete."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return -1
        for line in data[:end].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return end + 4 + int(value)
        raise ValueError("an answer without Content-Length")

    async def _reset(self, sock: socket.socket) -> List[Any]:
        try:
            data = await self._in_time(self.loop.sock_recv(sock, SLICE), "no reset")
        except ConnectionResetError:
            return [0, 0.0, 0.0, 0, -1, "reset"]
        return [0, 0.0, 0.0, len(data), -1, "closed" if not data else "answered"]

    async def _end(
        self, sock: socket.socket, end: str, served: str, report: Dict[str, Any]
    ) -> None:
        if end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        elif end == "half" or served in ("close", "half"):
            more = await self._in_time(self.loop.sock_recv(sock, SLICE), "no FIN of the server")
            report["end"] = "fin" if not more else f"{len(more)} octets more"

    # -- UDP

    async def _flow(self, spec: List[Any]) -> Dict[str, Any]:
        flow, ports, datagrams, patience, tos = spec
        report: Dict[str, Any] = {"port": 0, "answers": [], "extra": 0, "error": ""}
        sock = self._socket(socket.SOCK_DGRAM, ports, tos)
        try:
            sock.connect(self.target)
            report["port"] = sock.getsockname()[1]
            for number, (up, down, pause) in enumerate(datagrams):
                await self._pause(pause)
                report["answers"].append(
                    await self._datagram(sock, flow, number, up, down, patience, report)
                )
            report["extra"] += await self._left(sock)
        except (OSError, ValueError, asyncio.TimeoutError) as error:  # noqa: UP041
            report["error"] = words(error)
        finally:
            sock.close()
        return report

    async def _datagram(
        self,
        sock: socket.socket,
        flow: int,
        number: int,
        up: int,
        down: int,
        patience: float,
        report: Dict[str, Any],
    ) -> List[Any]:
        """[seconds (-1: not answered), octets, offset of the first wrong octet]"""
        asks, answers = keys(flow)
        if up < HEADER.size:
            data = wanted = octets(asks, number, up)
        else:
            data = HEADER.pack(ASKS, flow, number, down)
            data += octets(asks, number, up - HEADER.size)
            wanted = data[: HEADER.size]
        began = time.monotonic()
        sock.send(data)
        while True:
            left = min(began + patience, self.deadline) - time.monotonic()
            try:
                seen = await asyncio.wait_for(self.loop.sock_recv(sock, SLICE), max(0.0, left))
            except asyncio.TimeoutError:  # noqa: UP041 - its own class before Python 3.11
                return [-1.0, 0, -1]
            took = time.monotonic() - began
            if up < HEADER.size:
                return [took, len(seen), first_wrong(asks, number, seen)]
            if seen[2 : HEADER.size] == wanted[2:]:
                wrong = first_wrong(answers, number, seen[HEADER.size :])
                return [took, len(seen), wrong]
            report["extra"] += 1

    async def _left(self, sock: socket.socket) -> int:
        """Datagrams that are there although every one was answered: doubles."""
        count = 0
        while True:
            try:
                sock.recv(SLICE)
            except BlockingIOError:
                return count
            count += 1
