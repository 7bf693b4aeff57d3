"""ipvsadm's command line: options as popt takes them, and which may stand with which command
(tools/ipvsadm/ipvsadm.c)."""

from __future__ import annotations

import socket
import sys

from softlab.simulated.tools.client import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
# How a server is reached; without -b the tool means direct routing.
FULLNAT, ROUTE = "FullNat", "Route"

# name: (letter or "", takes an argument)
OPTIONS = {
    "add-service": ("A", False),
    "edit-service": ("E", False),
    "delete-service": ("D", False),
    "clear": ("C", False),
    "list": ("Ll", False),
    "zero": ("Z", False),
    "add-server": ("a", False),
    "edit-server": ("e", False),
    "delete-server": ("d", False),
    "help": ("h", False),
    "version": ("v", False),
    "restore": ("R", False),
    "save": ("S", False),
    "add-laddr": ("P", False),
    "del-laddr": ("Q", False),
    "get-laddr": ("G", False),
    "get-blklst": ("B", False),
    "get-whtlst": ("W", False),
    "tcp-service": ("t", True),
    "udp-service": ("u", True),
    "icmp-service": ("q", True),
    "icmpv6-service": ("1", True),
    "scheduler": ("s", True),
    "real-server": ("r", True),
    "fullnat": ("b", False),
    "weight": ("w", True),
    "u-threshold": ("x", True),
    "l-threshold": ("y", True),
    "numeric": ("n", False),
    "connection": ("c", False),
    "timeout": ("", False),
    "daemon": ("", False),
    "stats": ("", False),
    "rate": ("", False),
    "thresholds": ("", False),
    "persistent-conn": ("", False),
    "nosort": ("", False),
    "sort": ("", False),
    "exact": ("X", False),
    "laddr": ("z", True),
    "ifname": ("F", True),
    "cpu": ("", True),
    "conn-timeout": ("", True),
    "proxy-protocol": ("", True),
    "dest-check": ("", True),
}
LATER = ("proxy-protocol", "dest-check")
"""Options that earlier versions do not know."""
_SERVICES = {
    "tcp-service": TCP,
    "udp-service": UDP,
    "icmp-service": ICMP,
    "icmpv6-service": ICMP6,
}
_PROXY = ("disable", "v1", "v2", "v1-insecure", "v2-insecure")
COMMANDS = {
    "add-service": "add-service",
    "edit-service": "edit-service",
    "delete-service": "delete-service",
    "clear": "flush",
    "list": "list",
    "zero": "zero",
    "add-server": "add-server",
    "edit-server": "edit-server",
    "delete-server": "delete-server",
    "restore": "restore",
    "save": "save",
    "add-laddr": "add-laddr",
    "del-laddr": "del-laddr",
    "get-laddr": "get-laddr",
    "get-blklst": "get-blklst",
    "get-whtlst": "get-whtlst",
    "help": "help",
    "version": "version",
}
_LETTERS = {
    letter: (name, takes) for name, (letters, takes) in OPTIONS.items() for letter in letters
}

# The tool's own names of options, in its order: the first that is missing or wrong is named.
_ORDER = (
    "numeric", "connection", "service-address", "scheduler", "real-server", "forwarding-method",
    "weight", "u-threshold", "l-threshold", "timeout", "daemon", "stats", "rate", "thresholds",
    "persistent-conn", "nosort", "exact", "local-address", "ifname", "cpu",
)  # fmt: skip
_KINDS = {
    **dict.fromkeys(_SERVICES, "service-address"),
    "fullnat": "forwarding-method",
    "laddr": "local-address",
}
_NEEDED = {
    "add-service": ("service-address",),
    "edit-service": ("service-address",),
    "delete-service": ("service-address",),
    "add-server": ("service-address", "real-server"),
    "edit-server": ("service-address", "real-server"),
    "delete-server": ("service-address", "real-server"),
    "add-laddr": ("service-address", "local-address", "ifname"),
    "del-laddr": ("service-address", "local-address", "ifname"),
}
_ALLOWED = {
    "add-service": ("service-address", "scheduler"),
    "edit-service": ("service-address", "scheduler"),
    "delete-service": ("service-address",),
    "list": (
        "numeric", "connection", "service-address", "timeout", "daemon", "stats", "rate",
        "thresholds", "persistent-conn", "nosort", "exact", "cpu",
    ),
    "save": ("numeric",),
    "zero": ("service-address",),
    "add-server": (
        "service-address", "real-server", "forwarding-method", "weight", "u-threshold",
        "l-threshold",
    ),
    "edit-server": (
        "service-address", "real-server", "forwarding-method", "weight", "u-threshold",
        "l-threshold",
    ),
    "delete-server": ("service-address", "real-server"),
    "add-laddr": ("service-address", "local-address", "ifname"),
    "del-laddr": ("service-address", "local-address", "ifname"),
    "get-laddr": ("service-address", "cpu"),
    "get-blklst": ("service-address",),
    "get-whtlst": ("service-address",),
}  # fmt: skip
_EXCLUSIVE = ("connection", "service-address", "timeout", "daemon")


class Command:
    """A command with its options."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given: set[str] = set()
        self.proto = 0
        self.vip = b""
        self.vport = 0
        self.scheduler = ""
        self.rs = b""
        self.rport = 0
        self.rport_given = False
        self.forward = ROUTE
        self.weight = 1
        self.max_conn = 0
        self.min_conn = 0
        self.lip = b""
        self.dev = ""
        self.index = 0
        self.conn_timeout = 0
        self.proxy = ""
        self.dest_check = ""

    def has(self, kind: str) -> bool:
        """True when an option of that kind was given."""
        return kind in self.given


def fail(status: int, text: str) -> NoReturn:
    """Say what is wrong and leave."""
    complain(text)
    raise SystemExit(status)


def try_help() -> NoReturn:
    """The way out when the first option is not a command."""
    fail(255, "Try `ipvsadm -h' or 'ipvsadm --help' for more information.")


def _next_options(argv: list[str]) -> list[tuple[str, str, str]]:
    """(name, argument, as written) of each option; an unknown one has the empty name and ends.

    A word that is no option has the name ``?``.
    """
    found = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            if name not in OPTIONS:
                found.append(("", "unknown option", word))
                break
            if OPTIONS[name][1] and not given:
                if not words:
                    found.append(("", "missing argument", word))
                    break
                value = words.pop(0)
            found.append((name, value, word))
            continue
        if not word.startswith("-") or word == "-":
            found.append(("?", word, word))
            continue
        if not _cluster(word[1:], words, found):
            break
    return found


def _cluster(rest: str, words: list[str], found: list[tuple[str, str, str]]) -> bool:
    """Options of one word such as ``-ln`` or ``-srr``; False when one is wrong."""
    while rest:
        letter, rest = rest[0], rest[1:]
        known = _LETTERS.get(letter)
        if known is None:
            found.append(("", "unknown option", f"-{letter}"))
            return False
        name, takes = known
        value = ""
        if takes:
            if rest:
                value, rest = rest.removeprefix("="), ""
            elif words:
                value = words.pop(0)
            else:
                found.append(("", "missing argument", f"-{letter}"))
                return False
        found.append((name, value, f"-{letter}"))
    return True


def service_address(text: str, proto: int) -> tuple[bytes, int, bool] | None:
    """(address, port, port was given) of HOST[:PORT]; None when it is none."""
    if not text or text.isdigit():
        return None
    host, port_text, given = text, "", False
    if text[0] == "[":
        host, bracket, tail = text[1:].partition("]")
        if not bracket or not tail.startswith(":"):
            return None
        port_text, given = tail[1:], True
    try:
        addr = socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        if not given and ":" in host:
            host, _, port_text = host.rpartition(":")
            given = True
        try:
            addr = socket.inet_pton(socket.AF_INET, host)
        except OSError:
            return None
    if not given:
        return addr, 0, False
    if port_text.isdigit() and int(port_text) <= 65535:
        return addr, int(port_text), True
    try:
        return addr, socket.getservbyname(port_text, "tcp" if proto == TCP else "udp"), True
    except OSError:
        return None


def _count(text: str, limit: int, message: str) -> int:
    if not text.isdigit() or int(text) > limit:
        fail(2, message)
    return int(text)


def _take(command: Command, name: str, value: str) -> None:
    kind = _KINDS.get(name, name)
    if kind in command.given and name not in ("sort", "conn-timeout"):
        fail(2, f"multiple '{kind}' options specified")
    command.given.add(kind)
    if kind == "service-address":
        command.proto = _SERVICES[name]
        found = service_address(value, command.proto)
        if found is None:
            fail(2, "illegal virtual server address[:port] specified")
        command.vip, command.vport, _ = found
    elif name == "scheduler":
        command.scheduler = value
    elif name == "real-server":
        found = service_address(value, command.proto or TCP)
        if found is None:
            fail(2, "illegal real server address[:port] specified")
        command.rs, command.rport, command.rport_given = found
    elif name == "fullnat":
        command.forward = FULLNAT
    elif name == "weight":
        command.weight = _count(value, 65535, "illegal weight specified")
    elif name == "u-threshold":
        command.max_conn = _count(value, 2**31 - 1, "illegal u_threshold specified")
    elif name == "l-threshold":
        command.min_conn = _count(value, 2**31 - 1, "illegal l_threshold specified")
    elif name == "laddr":
        found = service_address(value, TCP)
        if found is None:
            fail(2, "illegal local address")
        command.lip = found[0]
    elif name == "ifname":
        command.dev = value
    elif name == "cpu":
        command.index = int(value) if value.isdigit() else 0
    elif name == "conn-timeout":
        command.conn_timeout = _count(value, 31535999, f"{value}: invalid numeric value")
    elif name == "proxy-protocol":
        if value not in _PROXY:
            fail(2, "illegal proxy protocol specified")
        command.proxy = "" if value == "disable" else value
    elif name == "dest-check":
        command.dest_check = "" if value == "disable" else value


def _check(command: Command) -> None:
    """Which options the command needs, and which it forbids."""
    name = command.name
    needed, allowed = _NEEDED.get(name, ()), _ALLOWED.get(name, ())
    seen = ""
    for option in _ORDER:
        if option not in command.given:
            if option in needed:
                fail(2, f"You need to supply the '{option}' option for the '{name}' command")
            continue
        if option not in allowed:
            fail(2, f"Illegal '{option}' option with the '{name}' command")
        if name == "list" and option in _EXCLUSIVE:
            if seen:
                text = f"conflicts with the '{seen}' option in the '{name}' command"
                fail(2, f"The option '{option}' {text}")
            seen = option


def parse(argv: list[str], later: bool = True) -> Command:
    """The command of an argv without the program's name; leaves the program when it is wrong.

    later: whether the version knows the options of LATER.
    """
    options = _next_options(argv)
    words = [value for name, value, _ in options if name == "?"]
    options = [option for option in options if option[0] != "?"]
    if not options or options[0][0] not in COMMANDS:
        try_help()
    command = Command(COMMANDS[options[0][0]])
    if command.name in ("help", "version"):
        return command
    for name, value, written in options[1:]:
        if not name or (name in LATER and not later):
            complain(f"{written}: {value if not name else 'unknown option'}")
            raise SystemExit(255)
        if name in COMMANDS:
            fail(2, f"invalid option `{written}'")
        _take(command, name, value)
    if words:
        fail(2, f"unexpected argument {words[0]}")
    _check(command)
    if command.name in ("add-service", "edit-service") and not command.vport:
        fail(2, "Zero port specified for no-match and non-persistent service")
    if command.name == "add-service" and not command.scheduler:
        command.scheduler = "wlc"
    sys.stdout.flush()
    return command
