"""A station: sends and captures frames on one interface of one host, controlled by the runner.

Each of these is one round trip: start the station, start a capture, send and wait, stop a capture.
Nothing polls over the network.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from . import timeouts
from .capture import Capture, Waited
from .channel import AgentChannel, AgentLink, Reachable
from .errors import TrafficError
from .match import Match


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """Properties of the interface, from the host's kernel.

    addresses: "ADDRESS/LENGTH", IPv4 and IPv6. offloads: name to on/off, None if the driver
    does not report it; with ``gro`` or ``tso`` on, captures show merged segments, not wire frames.
    """

    mac: str
    mtu: int
    up: bool
    running: bool
    promiscuous: bool
    addresses: tuple[str, ...]
    offloads: dict[str, bool | None]

    def address(self, version: int) -> str:
        """The first global address of a family (4 or 6), without prefix length."""
        for text in self.addresses:
            ip = text.split("/")[0]
            if (":" in ip) == (version == 6) and not ip.startswith("fe80:"):
                return ip
        raise TrafficError(f"no IPv{version} address among {', '.join(self.addresses) or 'none'}")


@dataclass(frozen=True, slots=True)
class Sent:
    """Number of frames sent, and when the first and the last left (host's clock, seconds)."""

    count: int
    first: float
    last: float


class Station:
    """Sends and captures frames on ``interface`` of a host, through its agent.

    ``channel`` must run ``agent.bundle.boot_command()``; ``Station.start`` does it for a host.
    Raises TrafficError if the station cannot run on the host. Use as a context manager, or call
    close(). One station is not thread-safe; different stations may be used in different threads.
    """

    def __init__(self, channel: AgentChannel, host_name: str, interface: str) -> None:
        self._adopt(AgentLink(channel, host_name), host_name, interface)

    def _adopt(self, link: AgentLink, host_name: str, interface: str) -> None:
        self.host_name = host_name
        self.interface = interface
        self._link = link
        if not link.hello.get("root"):
            link.close()
            raise TrafficError(f"station on {host_name}: packet sockets need root")
        self.python: str = link.hello["python"]
        self.facts = self._read_facts()

    @classmethod
    def start(cls, host: Reachable, interface: str) -> Self:
        station = cls.__new__(cls)
        station._adopt(AgentLink.start(host), host.name, interface)
        return station

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._link.close()

    def _read_facts(self) -> InterfaceFacts:
        facts = self._link.ask("facts", {"interface": self.interface})
        return InterfaceFacts(**{**facts, "addresses": tuple(facts["addresses"])})

    @property
    def mac(self) -> str:
        return self.facts.mac

    def source_address(self, version: int) -> str:
        """The address that its sockets send from, by default."""
        return self.facts.address(version)

    def refresh(self) -> InterfaceFacts:
        """Read the interface's facts again (addresses change during bring-up)."""
        self.facts = self._read_facts()
        return self.facts

    def capture(
        self,
        keep: Sequence[Match] | None = None,
        *,
        max_frames: int = 200_000,
        max_bytes: int = 128 << 20,
        promiscuous: bool = False,
        buffer_bytes: int = 32 << 20,
    ) -> Capture:
        """A capture as a context manager. ``keep``: frames matching any of these (None: all)."""
        arguments: dict[str, Any] = {
            "interface": self.interface,
            "keep": None if keep is None else [one.to_wire() for one in keep],
            "max_frames": max_frames,
            "max_bytes": max_bytes,
            "promiscuous": promiscuous,
            "buffer_bytes": buffer_bytes,
        }
        return Capture(self._link, f"{self.host_name} {self.interface}", arguments)

    def send(self, frames: Sequence[bytes], *, gap_us: float = 0, repeat: int = 1) -> Sent:
        """Send prepared frames in order, at least ``gap_us`` microseconds apart."""
        return self.sent(self.post_send(frames, gap_us=gap_us, repeat=repeat))

    def post_send(self, frames: Sequence[bytes], *, gap_us: float = 0, repeat: int = 1) -> int:
        """Start sending without waiting; pass the returned number to ``sent``."""
        arguments = {
            "interface": self.interface,
            "frames": [base64.b64encode(frame).decode() for frame in frames],
            "gap_us": gap_us,
            "repeat": repeat,
        }
        seconds = 10 + len(frames) * repeat * (gap_us / 1e6 + 1e-4)
        return self._link.post("send", arguments, seconds)

    def sent(self, number: int) -> Sent:
        answer = self._link.take(number)
        return Sent(answer["sent"], answer["first"], answer["last"])

    def exchange(
        self,
        capture: Capture,
        frames: Sequence[bytes],
        until: Match,
        *,
        count: int = 1,
        deadline: float = 2.0,
        gap_us: float = 0,
    ) -> Waited:
        """Send, and wait on this host's capture for ``count`` matches: one round trip.

        Counts only frames captured after the last exchange or wait on this capture.
        """
        number = self.post_send(frames, gap_us=gap_us)
        waited = capture.wait_next(until, count, deadline)
        self.sent(number)
        return waited

    @contextmanager
    def proxy_arp(self, *addresses: str, mac: str | None = None) -> Iterator[Owned]:
        """Answer ARP and ND for crafted addresses in the context.

        The kernel does not have these addresses, so it neither answers nor resets connections.
        """
        arguments = {"interface": self.interface, "addresses": list(addresses), "mac": mac}
        answer = self._link.ask("own", arguments)
        owned = Owned(tuple(addresses), answer["mac"])
        try:
            yield owned
        finally:
            owned.answered = self._link.ask("disown", {"owner": answer["owner"]})["answered"]

    @contextmanager
    def toa_server(self, address: str, port: int) -> Iterator[None]:
        """In the context, a small HTTP server of the host: it answers with the client's address.

        It reads that by getsockopt(IPPROTO_IP, 4096) and words it as nginx does, or gives the
        kernel's error.
        """
        server = self._link.ask("toa_server", {"address": address, "port": port})["server"]
        try:
            yield
        finally:
            self._link.ask("close_toa_server", {"server": server})

    def resolve(
        self,
        address: str,
        *,
        source: str | None = None,
        deadline: float | None = None,
        listen: float = 0.0,
    ) -> tuple[str, ...]:
        """MACs that answer ARP or ND for an address; empty if none did before the deadline.

        source: sender address (default: the interface's address). listen: seconds to wait after
        the first answer for a second owner of the same address.
        """
        deadline = timeouts.seconds(3.0, deadline)
        arguments = {
            "interface": self.interface,
            "address": address,
            "source": source or self.facts.address(6 if ":" in address else 4),
            "mac": None,
            "seconds": deadline,
            "listen": listen,
        }
        answer = self._link.ask("resolve", arguments, deadline + listen)
        return tuple(answer["macs"])

    def ask(self, operation: str, arguments: dict[str, Any], seconds: float = 0.0) -> Any:
        """One request to the agent, for other modules of this package."""
        return self._link.ask(operation, arguments, seconds)


@dataclass(slots=True)
class Owned:
    """Crafted addresses and their MAC; ``answered`` is set when the context ends."""

    addresses: tuple[str, ...]
    mac: str
    answered: dict[str, int] | None = None
