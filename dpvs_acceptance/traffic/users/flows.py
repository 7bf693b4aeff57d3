"""What is asked of users' flows, and what clients and real servers saw of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dpvs_acceptance.traffic.connection import SocketAddress

End = Literal["keep", "close", "half", "reset"]


@dataclass(frozen=True, slots=True)
class Request:
    """up, down: octets of body each way. pause: seconds before it; below 0 until
    ``go_on``, and no longer than so many seconds.

    end: what the suite's server does after it: keeps the connection, closes it, closes only its
    own direction (``half``), or resets the connection instead of an answer.
    """

    up: int = 0
    down: int = 0
    pause: float = 0.0
    end: End = "keep"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One TCP connection. pad: octets of an additional header line of each request.

    end: how the client ends it; ``half``: it closes its direction with the last request and waits
    for the rest. rate: octets a second that it reads (0: as fast as they come). tos: the
    octet of DSCP and ECN.
    """

    requests: tuple[Request, ...] = (Request(),)
    pad: int = 0
    end: Literal["close", "half", "reset"] = "close"
    rate: int = 0
    tos: int = 0

    @property
    def ends_by_fin(self) -> bool:
        """Whether the server sends a FIN."""
        return self.end != "reset" and all(one.end != "reset" for one in self.requests)


@dataclass(frozen=True, slots=True)
class Datagram:
    """Octets of UDP payload each way. Below 12 octets the answer is the datagram itself."""

    up: int
    down: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class UdpFlow:
    """Datagrams of one socket, one after another, each with ``patience`` s for its answer."""

    datagrams: tuple[Datagram, ...]
    patience: float = 1.0
    tos: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """seconds: from the request to the first and to the last octet. octets: of the body.

    wrong: offset of the first octet that is not the flow's, -1 where all are.
    """

    status: int
    first: float
    seconds: float
    octets: int
    wrong: int
    said: str


@dataclass(frozen=True, slots=True)
class Talk:
    """What the client saw of a connection. local: None where none was made; error: "" if none."""

    flow: int
    asked: Dialogue
    local: SocketAddress | None
    connect: float
    answers: tuple[Answered, ...]
    error: str
    end: str


@dataclass(frozen=True, slots=True)
class UdpTalk:
    """What the client saw of a UDP flow: of each datagram seconds (None: no answer), octets and
    the first wrong one; extra: datagrams that answered nothing, doubles among them."""

    flow: int
    asked: UdpFlow
    local: SocketAddress | None
    answers: tuple[tuple[float | None, int, int], ...]
    extra: int
    error: str


@dataclass(frozen=True, slots=True)
class ServedTalk:
    """A connection as a real server saw it. requests: flow, octets, first wrong octet (-1)."""

    rs: str
    peer: SocketAddress
    requests: tuple[tuple[int, int, int], ...]
    end: str
    late: int


@dataclass(frozen=True, slots=True)
class ServedUdp:
    """A UDP flow's datagrams as a real server saw them: number, octets, first wrong octet (-1)."""

    rs: str
    peer: SocketAddress
    datagrams: tuple[tuple[int, int, int, int], ...]


@dataclass(slots=True)
class SeenByServers:
    """What the suite's servers saw; filled when they are stopped."""

    visits: list[ServedTalk] = field(default_factory=list)
    arrived: list[ServedUdp] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FlowEnds:
    """What became of one client's flows. lasting: numbers of others that went on meanwhile."""

    talks: tuple[Talk, ...]
    exchanges: tuple[UdpTalk, ...]
    seconds: float
    lasting: tuple[int, ...] = ()

    @property
    def locals(self) -> list[SocketAddress]:
        """The client's ends of the flows that began."""
        ends = [talk.local for talk in self.talks] + [flow.local for flow in self.exchanges]
        return [end for end in ends if end is not None]
