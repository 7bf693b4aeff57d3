"""dpip: links, addresses, routes and neighbours (tools/dpip)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools import getopt
from softlab.simulated.tools.client import Refused, complain
from softlab.simulated.tools.dpiprequest import Invalid, Request, number, objects, usage
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
    if request.object not in objects():
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
