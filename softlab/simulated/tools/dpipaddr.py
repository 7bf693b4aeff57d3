"""dpip addr, and what is shown of multicast groups and LLDP (tools/dpip/addr.c, maddr.c)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools import dpipargs
from softlab.simulated.tools.client import complain, number, raw, rows, text
from softlab.simulated.tools.dpiprequest import Invalid, Request
from softlab.simulated.tools.dpiprequest import number as atoi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value


def _fields(request: Request) -> Value:
    """What the command line asks for."""
    fields: Value = {"scope": "global", "bcast": b"", "valid": 0, "sapool": False, "dev": ""}
    family, prefix = request.family, ""
    while request.words:
        word = request.words.pop(0)
        if word == "dev":
            fields["dev"] = request.take(word)
        elif word == "scope":
            scope = request.take(word)
            fields["scope"] = scope if scope in ("host", "link", "global") else str(atoi(scope))
        elif word == "broadcast":
            bcast = dpipargs.address(request.take(word), family)
            fields["bcast"], family = bcast, dpipargs.family_of(bcast)
        elif word in ("valid_lft", "prefered_lft"):
            left = request.take(word)
            seconds = 0 if left == "forever" else atoi(left)
            if word == "valid_lft":
                fields["valid"] = seconds
        elif word == "sapool":
            fields["sapool"] = True
        else:
            prefix = word
    if request.command in ("add", "del", "set") and not prefix:
        complain("missing IFADDR")
        raise Invalid
    if prefix:
        fields["addr"], fields["plen"] = dpipargs.prefix(prefix, family)
    if request.command != "show" and not fields["dev"]:
        complain("no device specified.")
        raise Invalid
    return fields


def _show(request: Request, row: Value) -> str:
    addr = raw(row, "addr")
    bcast = raw(row, "bcast")
    left = number(row, "left")
    seconds = str(left) if left else "forever"
    line = f"[{number(row, 'lcore'):02d}] " if request.verbose else ""
    line += f"{dpipargs.family_name(addr)} {dpipargs.text_of(addr)}/{number(row, 'plen')}"
    line += f" scope {text(row, 'scope')} {text(row, 'dev')}\n    "
    line += f"broadcast {dpipargs.text_of(bcast)}" if any(bcast) else ""
    line += f" valid_lft {seconds} preferred_lft {seconds}"
    if (request.stats or request.verbose) and row.get("sapool"):
        used, free, miss = (number(row, name) for name in ("used", "free", "miss"))
        line += f" sa_used {used} sa_free {free} sa_miss {miss}"
    return line + "\n"


def run(request: Request) -> int:
    """dpip addr."""
    fields = _fields(request)
    if request.command in ("add", "del", "set", "flush"):
        request.device.set(f"addr.{request.command}", **fields)
        return 0
    if request.command != "show":
        return errors.NOTSUPP
    reply = request.device.get("addr.list", dev=fields["dev"], verbose=request.verbose)
    sys.stdout.write("".join(_show(request, row) for row in rows(reply, "addresses")))
    return 0


def run_groups(request: Request) -> int:
    """dpip maddr."""
    dev = ""
    while request.words:
        if request.words.pop(0) == "dev":
            dev = request.take("dev")
    if request.command != "show":
        return errors.NOTSUPP
    if dev:
        sys.stdout.write(f"{dev}:\n")
    reply = request.device.get("maddr.get" if dev else "maddr.list", dev=dev)
    for port in rows(reply, "ports"):
        if not dev:
            sys.stdout.write(f"{number(port, 'index') + 1}:\t{text(port, 'name')}\n")
        groups = [group for group in port["groups"] if isinstance(group, bytes)]  # type: ignore[attr-defined]
        common = groups[:2]
        for group in [*groups[2:], *reversed(common)]:
            sys.stdout.write(f"\tlink 33:33:{group[-4:].hex(':')}\n")
        for group in groups:
            sys.stdout.write(f"\tinet6 {dpipargs.text_of(group)}\n")
    return 0


def run_lldp(request: Request) -> int:
    """dpip lldp. No neighbour is heard on a simulated link."""
    dev = ""
    try:
        while request.words:
            word = request.words.pop(0)
            if word == "dev":
                dev = request.take(word)
            elif word not in ("local", "neigh"):
                complain("too many arguments")
                raise Invalid
    except Invalid:
        raise Invalid(stage="parse: ") from None
    if request.command != "show":
        raise Invalid(errors.NOTSUPP, "check: ")
    if not dev:
        complain("missing device name")
        raise Invalid(stage="check: ")
    request.device.get("lldp.list", dev=dev)
    return 0
