"""dpvs.conf as the simulated device reads it (src/parser.c, src/cfgfile.c and the modules' own
keywords): line by line, each keyword logged as it is taken, what is not known warned about.

This reader is the device's own. The acceptance suite has another one; neither knows of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from softlab.simulated import tcpstates
from softlab.simulated.versions import Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str, str, str], None]
    Handler = Callable[["Reader", list[str]], None]
    Tree = dict[str, "tuple[Handler | None, Tree | None]"]

DEFAULT_QUEUES = 16
MAX_QUEUES = 16


class Crash(Exception):  # noqa: N818 - what happens to the real device
    """The real device would not refuse this but die of it, by a signal and with these words."""

    def __init__(self, number: int, text: str = "") -> None:
        super().__init__(text)
        self.number = number
        self.text = text


@dataclass(slots=True)
class Device:
    """A ``device`` block."""

    name: str
    rx_queues: int = DEFAULT_QUEUES
    tx_queues: int = DEFAULT_QUEUES
    rx_descriptors: int = 256
    tx_descriptors: int = 512
    rss: str = "tcp"
    mtu: int = 1500
    promisc: bool = False
    allmulticast: bool = False
    fast_free: bool = True
    kni_name: str = ""


@dataclass(slots=True)
class Bonding:
    """A ``bonding`` block."""

    name: str
    mode: int = 0
    members: list[str] = field(default_factory=list)
    primary: str = ""
    numa_node: int = 0
    dedicated: bool = True
    kni_name: str = ""


@dataclass(slots=True)
class Queues:
    """The queues of one port that a worker serves."""

    port: str
    rx: list[int] = field(default_factory=list)
    tx: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Worker:
    """A ``worker`` block; role is master, slave or kni."""

    name: str
    role: str = "slave"
    cpu: int = 0
    icmp: bool = False
    ports: list[Queues] = field(default_factory=list)


@dataclass(slots=True)
class Configuration:
    """All of dpvs.conf that the device acts on, with the device's defaults."""

    log_level: str = "DEBUG"
    log_file: str = ""
    kni: bool = True
    lldp: bool = False
    pktpool_size: int = 65535
    conn_pool_size: int = 2097151
    devices: list[Device] = field(default_factory=list)
    bonds: list[Bonding] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    neighbour_timeout: int = 60
    neighbour_queue: int = 128
    default_ttl: int = 64
    ipv4_forwarding: bool = False
    ipv6_disabled: bool = False
    address_mode: str = "eui64"
    uoa_mode: str = "opp"
    uoa_max_trail: int = 3
    fast_xmit: bool = True
    redirect: bool = False
    defence_tcp: bool = False
    defence_udp: bool = False
    pool_hash_size: int = 16
    flow_enable: bool = True
    timeouts: dict[str, int] = field(default_factory=lambda: dict(tcpstates.DEFAULT_TIMEOUTS))


def round_down(number: int, offset: int = 0) -> int:
    """The greatest power of two not above number + offset."""
    return 1 << ((number + offset).bit_length() - 1) if number + offset >= 2 else number


def tokens_of(line: str) -> list[str]:
    """Words of a line without comments; ``<...>`` is a remark and is left out."""
    found = []
    rest = line.strip()
    while rest and rest[0] not in "!#":
        if rest[0] == "<":
            _, _, rest = rest.partition(">")
        elif rest[0] == '"':
            text, _, rest = rest[1:].partition('"')
            found.append(text)
        else:
            word = rest.split(None, 1)[0].split('"', 1)[0]
            found.append(word)
            rest = rest[len(word) :]
        rest = rest.lstrip()
    return found


class Reader:
    """Reads one file; ``config`` is the result."""

    def __init__(
        self, version: Version, keywords: Tree, say: Say, on_log: Callable[[str, str], bool]
    ) -> None:
        self.version = version
        self._keywords = keywords
        self.say = say
        self.on_log = on_log
        self.config = Configuration()
        self._lines: list[str] = []
        self._at = 0

    def read(self, path: str) -> Configuration:
        """Read the file, and those it includes. A file that is not there gives the defaults."""
        file = Path(path)
        if not file.exists():
            return self.config
        self.say("INFO", "CFG_FILE", f"Opening configuration file '{path}'.")
        self._lines = self._load(file)
        self._level(self._keywords, 0)
        return self.config

    def _load(self, file: Path) -> list[str]:
        lines = []
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            words = tokens_of(line)
            if len(words) == 2 and words[0] == "include":
                for included in sorted(file.parent.glob(words[1])):
                    self.say("INFO", "CFG_FILE", f"Opening configuration file '{included}'.")
                    lines += self._load(included)
                continue
            lines.append(line)
        return lines

    def _level(self, keywords: Tree, depth: int) -> None:
        while self._at < len(self._lines):
            words = tokens_of(self._lines[self._at])
            self._at += 1
            if not words:
                continue
            if words[0] == "}" and depth > 0:
                return
            known = keywords.get(words[0])
            if known is None:
                if words[0][0] != "}":
                    self.say("WARNING", "CFG_FILE", f"not supported keyword -- {words[0]}")
                continue
            handler, below = known
            if handler is not None:
                handler(self, [word for word in words if word != "{"])
            if below is not None:
                self._level(below, depth + 1)
