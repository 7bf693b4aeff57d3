"""dpip: links, addresses, routes and neighbours (tools/dpip)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools import getopt
from softlab.simulated.tools.client import Device, Refused, complain
from softlab.simulated.versions import of_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Object = Callable[["Request"], int]

_SHORT = "vhV46f:si:c:CDF"
_LONG = {
    "verbose": (False, "v"),
    "help": (False, "h"),
    "version": (False, "V"),
    "family": (True, "f"),
    "stats": (False, "s"),
    "statistics": (False, "s"),
    "color": (False, "C"),
    "interval": (True, "i"),
    "count": (True, "c"),
    "force": (False, "F"),
}
_COMMANDS = {
    "add": "add",
    "del": "del",
    "set": "set",
    "change": "set",
    "show": "show",
    "list": "show",
    "flush": "flush",
    "help": "help",
    "create": "create",
    "destroy": "destroy",
    "enable": "enable",
    "disable": "disable",
    "replace": "replace",
    "test": "test",
}


class Request:
    """The command line, taken apart."""

    def __init__(self) -> None:
        self.verbose = False
        self.stats = False
        self.family = 0
        self.interval = 0
        self.count = 0
        self.object = ""
        self.command = ""
        self.words: list[str] = []
        self.device = Device()

    def take(self, name: str) -> str:
        """The word after a keyword; Invalid when there is none."""
        if not self.words:
            complain(f"missing argument for `{name}'")
            raise Invalid
        return self.words.pop(0)


class Invalid(Exception):  # noqa: N818 - the tool's way out, the reason is printed already
    """The arguments are wrong; the reason has been printed, and at what stage it was seen."""

    def __init__(self, code: int = errors.INVAL, stage: str = "") -> None:
        super().__init__(stage)
        self.code = code
        self.stage = stage


def number(text: str) -> int:
    """A number as C's atoi takes it."""
    digits = ""
    for char in text:
        if not char.isdigit():
            break
        digits += char
    return int(digits or 0)


def usage(name: str = "") -> None:
    """Help, in words of our own."""
    version = of_host()
    complain("Usage:")
    if name == "link":
        complain("    dpip [-s] [-v] link show [ DEV | cpu | cpuN ] [ -i INTERVAL ] [ -c COUNT ]")
        complain("    dpip link set DEV { promisc | forward2kni | tc-egress | tc-ingress } on|off")
        return
    if name in ("addr", "route", "neigh", "maddr", "lldp"):
        complain(f"    dpip [-4 | -6] {name} {{ show | add | del | set | flush }} ...")
        return
    complain("    dpip [OPTIONS] OBJECT { COMMAND | help }")
    complain("Parameters:")
    complain(f"    OBJECT  := {{ {' | '.join(_objects())} }}")
    complain("    COMMAND := { add | del | show (list) | set (change) | flush }")
    complain(f"Options, of {version.dpip}:")
    complain("    -v, -h, -V, -4, -6, -s, -C, -i INTERVAL, -c COUNT")


def _objects() -> list[str]:
    names = ["link", "addr", "route", "neigh"]
    return [*names, "maddr", "lldp"] if of_host().lldp else names


def _options(argv: list[str], request: Request) -> list[str]:
    """Take the options off; the operands that are left."""
    if not argv:
        usage()
        raise SystemExit(0)
    try:
        options, operands = getopt.parse(argv, _SHORT, _LONG)
    except getopt.BadOptionError as bad:
        complain(f"dpip: {bad.said}")
        following = argv[bad.at] if bad.at < len(argv) else "(null)"
        complain(f"Invalid option: {following}")
        raise SystemExit(1) from None
    show_help = False
    for letter, value in options:
        if letter == "v":
            request.verbose = True
        elif letter == "h":
            show_help = True
        elif letter == "V":
            sys.stdout.write(of_host().dpip + "\n")
            raise SystemExit(0)
        elif letter in "46":
            request.family = int(letter)
        elif letter == "f":
            if value not in ("inet", "inet6"):
                complain("invalid family")
                raise SystemExit(1)
            request.family = 4 if value == "inet" else 6
        elif letter == "s":
            request.stats = True
        elif letter == "i":
            request.interval = number(value)
        elif letter == "c":
            request.count = number(value)
    if request.count and not request.interval:
        complain("missing option '-i'")
    if not operands or len(operands) < 2 or show_help:
        usage(operands[0] if operands else "")
        raise SystemExit(1)
    return operands


def _handler(name: str) -> Object:
    """The module of an object, loaded only when it is asked for."""
    if name == "link":
        from softlab.simulated.tools import dpiplink

        return dpiplink.run
    if name == "addr":
        from softlab.simulated.tools import dpipaddr

        return dpipaddr.run
    if name == "route":
        from softlab.simulated.tools import dpiproute

        return dpiproute.run
    if name == "neigh":
        from softlab.simulated.tools import dpipneigh

        return dpipneigh.run
    from softlab.simulated.tools import dpipaddr

    return dpipaddr.run_groups if name == "maddr" else dpipaddr.run_lldp


def main(argv: list[str]) -> int:
    """The tool; its exit status."""
    request = Request()
    operands = _options(argv[1:], request)
    request.object = operands[0]
    command = _COMMANDS.get(operands[1])
    if command is None:
        complain(f"invalid command {operands[1]}")
        return 1
    request.command = command
    request.words = operands[2:]
    if request.object not in _objects():
        complain("dpip: invalid object, use `-h' for help.")
        return 1
    if command == "help":
        usage(request.object)
        return 0
    stage = ""
    try:
        code = _handler(request.object)(request)
    except Invalid as invalid:
        code, stage = invalid.code, invalid.stage
    except Refused as refused:
        code = refused.code
    sys.stdout.flush()
    if code:
        complain(f"dpip: {stage}{errors.words(code)}")
        return 1
    return 0
