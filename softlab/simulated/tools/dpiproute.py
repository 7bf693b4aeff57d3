"""dpip route (tools/dpip/route.c)."""

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

_LOCAL = "host"
_KNI = "kni_host"
_NET = "net"


def _attribute(request: Request, word: str, fields: Value) -> bool:
    """A keyword that only 1.8 acts on or that is taken and forgotten; False if it is none."""
    if word in ("tos", "proto"):
        request.take(word)
    elif word == "table":
        if request.take("outwall") != "outwall":
            raise Invalid
        fields["table"] = "outwall"
    elif word == "local":
        fields["kind"] = _LOCAL
    elif word != "onlink":
        return False
    return True


def _fields(request: Request) -> Value:
    fields: Value = {"kind": _NET, "dev": "", "mtu": 0, "metric": 0, "gateway": b"", "src": b""}
    family, prefix = request.family, ""
    old = request.device.version.route_attributes or family == 6
    while request.words:
        word = request.words.pop(0)
        if word in ("via", "src"):
            addr = dpipargs.address(request.take(word), family)
            fields["gateway" if word == "via" else "src"] = addr
            family = dpipargs.family_of(addr)
        elif word == "dev":
            fields["dev"] = request.take(word)
        elif word in ("mtu", "metric"):
            fields[word] = atoi(request.take(word))
        elif word == "scope":
            scope = request.take(word)
            fields["kind"] = scope if scope in (_LOCAL, _KNI) else _NET
        elif not (old and _attribute(request, word, fields)):
            prefix = word
    if request.command == "show":
        return fields
    if request.command == "flush" and request.device.version.flush_by_device:
        if not fields["dev"]:
            complain("no device specified")
            raise Invalid
        return fields
    if not prefix:
        complain("missing prefix")
        raise Invalid
    if prefix == "default":
        fields["dst"], fields["plen"] = bytes(16 if family == 6 else 4), 0
    else:
        fields["dst"], fields["plen"] = dpipargs.prefix(prefix, family)
    return fields


def _show4(row: Value) -> str:
    dst, gateway, src = (dpipargs.text_of(raw(row, name)) for name in ("dst", "gateway", "src"))
    kind = text(row, "kind")
    if kind == _NET:
        kind = "global" if any(raw(row, "gateway")) else "link"
    return (
        f"inet {dst}/{number(row, 'plen')} via {gateway} src {src} dev {text(row, 'dev')}"
        f" mtu {number(row, 'mtu')} tos 0 scope {kind} metric {number(row, 'metric')} proto auto \n"
    )


def _show6(row: Value) -> str:
    dst = raw(row, "dst")
    kind = text(row, "kind")
    if kind == _NET:
        kind = "global" if any(raw(row, "gateway")) else "link"
    default = number(row, "plen") == 0 and not any(dst)
    line = "inet6 default" if default else f"inet6 {dpipargs.text_of(dst)}/{number(row, 'plen')}"
    for word, name in (("via", "gateway"), ("src", "src")):
        if any(raw(row, name)):
            line += f" {word} {dpipargs.text_of(raw(row, name))}"
    line += f" dev {text(row, 'dev')}"
    if number(row, "mtu"):
        line += f" mtu {number(row, 'mtu')}"
    return f"{line} scope {kind}\n"


def run(request: Request) -> int:
    """dpip route."""
    fields = _fields(request)
    six = request.family == 6
    command = request.command
    if command == "show":
        if fields.get("table"):
            return 0
        reply = request.device.get("route6.list" if six else "route.list", dev=fields["dev"])
        if not six and len(rows(reply, "routes")) != number(reply, "total"):
            # The device makes room for all routes and fills in those of one port.
            complain("corrupted response.")
            return errors.INVAL
        show = _show6 if six else _show4
        sys.stdout.write("".join(show(row) for row in rows(reply, "routes")))
        return 0
    if six:
        if command == "flush":
            request.device.set("route6.flush", dev=fields["dev"])
            return 0
        if command not in ("add", "del"):
            return errors.NOTSUPP
        request.device.set("route6.set", add=command == "add", **fields)
        return 0
    if command not in ("add", "del", "set", "flush"):
        return errors.NOTSUPP
    request.device.set(f"route.{command}", **fields)
    return 0
