"""dpip neigh (tools/dpip/neigh.c)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools import dpipargs
from softlab.simulated.tools.client import complain, number, raw, rows, text
from softlab.simulated.tools.dpiprequest import Invalid, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value

_KNOWN = ("REACHABLE", "PROBE", "DELAY")


def _hardware(word: str) -> bytes:
    parts = word.split(":")
    try:
        values = [int(part, 16) for part in parts]
    except ValueError:
        values = []
    if len(values) != 6 or any(not 0 <= value <= 255 for value in values):
        complain("invalid link layer addr")
        raise Invalid
    return bytes(values)


def _fields(request: Request) -> Value:
    fields: Value = {"dev": "", "hardware": bytes(6)}
    addr = ""
    while request.words:
        word = request.words.pop(0)
        if word == "dev":
            fields["dev"] = request.take(word)
        elif word == "lladdr":
            fields["hardware"] = _hardware(request.take(word))
        else:
            addr = word
    if request.command in ("add", "del") and not addr:
        complain("missing ip address")
        raise Invalid
    if addr:
        try:
            fields["addr"] = dpipargs.address(addr, request.family)
        except Invalid:
            complain("invalid IP address")
            raise
    return fields


def _show(row: Value) -> str:
    addr = f"ip: {dpipargs.text_of(raw(row, 'addr')):<48}"
    state = text(row, "state")
    static = "static" if row.get("static") else ""
    where = f"dev: {text(row, 'dev')}  core: {number(row, 'lcore')}  {static}\n"
    if state in _KNOWN:
        return f"{addr} mac: {raw(row, 'hardware').hex(':')}   state: {state:<12}  {where}"
    return f"{addr} mac:incomplate                       state: {state:<12}   {where}"


def run(request: Request) -> int:
    """dpip neigh."""
    fields = _fields(request)
    if request.command == "show":
        reply = request.device.get("neigh.list", dev=fields["dev"])
        sys.stdout.write("".join(_show(row) for row in rows(reply, "neighbours")))
        return 0
    if request.command == "add":
        if fields["hardware"] == bytes(6):
            complain("invalid MAC address")
            return errors.INVAL
        request.device.set("neigh.add", **fields)
        return 0
    if request.command == "del":
        request.device.set("neigh.del", **fields)
        return 0
    return errors.NOTSUPP
