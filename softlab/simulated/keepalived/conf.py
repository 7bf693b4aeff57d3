"""keepalived.conf: blocks and words, and the virtual servers that they declare."""

from __future__ import annotations

import shlex
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path

PROTOCOLS = {"TCP": 6, "UDP": 17}
CHECKERS = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "UDP_CHECK", "DNS_CHECK", "MISC_CHECK")


class ConfError(Exception):
    """A line that keepalived does not understand; the text names it."""


@dataclass(frozen=True)
class Block:
    """A line with the block behind it, if it has one."""

    words: tuple[str, ...]
    inside: tuple[Block, ...] = ()

    def all(self, name: str) -> list[Block]:
        return [one for one in self.inside if one.words[0] == name]

    def word(self, name: str, default: str = "") -> str:
        """The word behind a keyword, the last one that is given."""
        found = self.all(name)
        return found[-1].words[1] if found and len(found[-1].words) > 1 else default

    def has(self, name: str) -> bool:
        return bool(self.all(name))


@dataclass(frozen=True)
class Checker:
    """One check of a real server. times: of its own, else of the virtual server. Seconds."""

    kind: str
    addr: str
    port: int
    delay_loop: float
    retry: int
    delay_before_retry: float
    timeout: float
    block: Block


@dataclass(frozen=True)
class RealServer:
    addr: str
    port: int
    weight: int
    inhibit: bool = False
    checkers: tuple[Checker, ...] = ()


@dataclass(frozen=True)
class VirtualServer:
    proto: int
    addr: str
    port: int
    scheduler: str = "wrr"
    conn_timeout: int = 0
    laddrs: tuple[tuple[str, str], ...] = ()
    quorum: int = 1
    hysteresis: int = 0
    alpha: bool = False
    omega: bool = False
    quorum_up: str = ""
    quorum_down: str = ""
    sorry: RealServer | None = None
    servers: tuple[RealServer, ...] = field(default=())

    @property
    def key(self) -> tuple[int, str, int]:
        return self.proto, self.addr, self.port

    def __str__(self) -> str:
        return f"[{self.addr}]:{'tcp' if self.proto == 6 else 'udp'}:{self.port}"


def packed(addr: str) -> bytes:
    """The octets of an address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in addr else socket.AF_INET, addr)


def read(path: str) -> tuple[VirtualServer, ...]:
    """The virtual servers of a file. ConfError, OSError."""
    return virtual_servers(parse(Path(path).read_text(encoding="utf-8")))


def parse(text: str) -> Block:
    """The file as one block."""
    stack: list[tuple[tuple[str, ...], list[Block]]] = [((), [])]
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#!":
            continue
        if bare == "}":
            if len(stack) == 1:
                raise ConfError(f"line {number}: a block ends that did not begin")
            words, inside = stack.pop()
            stack[-1][1].append(Block(words, tuple(inside)))
            continue
        opens = bare.endswith("{")
        try:
            words = tuple(shlex.split(bare.removesuffix("{")))
        except ValueError as error:
            raise ConfError(f"line {number}: {error}") from None
        if opens:
            stack.append((words, []))
        else:
            stack[-1][1].append(Block(words))
    if len(stack) > 1:
        raise ConfError(f"the block {' '.join(stack[-1][0])} does not end")
    return Block((), tuple(stack[0][1]))


def virtual_servers(whole: Block) -> tuple[VirtualServer, ...]:
    """What the file declares; a group of virtual servers is one for each of its addresses."""
    laddrs = {
        group.words[1]: tuple((one.words[0], one.words[1]) for one in group.inside)
        for group in whole.all("local_address_group")
    }
    groups = {
        group.words[1]: [(one.words[0], int(one.words[1])) for one in group.inside]
        for group in whole.all("virtual_server_group")
    }
    found: list[VirtualServer] = []
    for block in whole.all("virtual_server"):
        words = block.words
        if words[1] == "group":
            places = groups.get(words[2], [])
        elif words[1] == "match":
            raise ConfError("virtual_server match: the simulated device has no SNAT")
        else:
            places = [(words[1], int(words[2]))]
        found += [_virtual_server(block, addr, port, laddrs) for addr, port in places]
    return tuple(found)


def _virtual_server(
    block: Block, addr: str, port: int, laddrs: dict[str, tuple[tuple[str, str], ...]]
) -> VirtualServer:
    if (kind := block.word("lb_kind", "FNAT")) != "FNAT":
        raise ConfError(f"lb_kind {kind}: the simulated device has FNAT only")
    sorry = block.all("sorry_server")
    inhibit = block.has("sorry_server_inhibit")
    servers = tuple(_real_server(one, block) for one in block.all("real_server"))
    return VirtualServer(
        proto=PROTOCOLS[block.word("protocol", "TCP")],
        addr=addr,
        port=port,
        scheduler=block.word("lb_algo", "wrr"),
        conn_timeout=int(block.word("establish_timeout", "0")),
        laddrs=laddrs.get(block.word("laddr_group_name"), ()),
        quorum=int(block.word("quorum", "1")),
        hysteresis=int(block.word("hysteresis", "0")),
        alpha=block.has("alpha"),
        omega=block.has("omega"),
        quorum_up=block.word("quorum_up"),
        quorum_down=block.word("quorum_down"),
        sorry=RealServer(sorry[0].words[1], int(sorry[0].words[2]), 1, inhibit) if sorry else None,
        servers=servers,
    )


def _real_server(block: Block, service: Block) -> RealServer:
    server = RealServer(
        block.words[1],
        int(block.words[2]),
        int(block.word("weight", service.word("weight", "1"))),
        block.has("inhibit_on_failure") or service.has("inhibit_on_failure"),
    )
    checkers = tuple(
        _checker(one, (block, service), server) for one in block.inside if one.words[0] in CHECKERS
    )
    return replace(server, checkers=checkers)


def _checker(block: Block, around: tuple[Block, Block], server: RealServer) -> Checker:
    def given(default: str, *names: str) -> float:
        """From the checker, else from the real server, else from the virtual server."""
        for where in (block, *around):
            for name in names:
                if value := where.word(name):
                    return float(value)
        return float(default)

    kind = block.words[0]
    return Checker(
        kind=kind,
        addr=block.word("connect_ip", server.addr),
        port=int(block.word("connect_port", str(server.port))),
        delay_loop=given("60", "delay_loop"),
        retry=int(given("1" if kind != "DNS_CHECK" else "3", "retry", "nb_get_retry")),
        delay_before_retry=given("1", "delay_before_retry"),
        timeout=given("5", "connect_timeout", "misc_timeout"),
        block=block,
    )
