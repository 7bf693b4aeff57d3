"""What ipvsadm prints of services, servers, local addresses and connections."""

from __future__ import annotations

import socket
import sys

from softlab.simulated.tools.client import number, raw, rows, text
from softlab.simulated.tools.ipvsargs import TCP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.tools.ipvsargs import Command
    from softlab.simulated.wire import Value

_NAMES = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
_SWITCHES = {1: "-q", 6: "-t", 17: "-u", 58: "-1"}


def address_text(addr: bytes) -> str:
    """The address as it is printed."""
    return socket.inet_ntop(socket.AF_INET if len(addr) == 4 else socket.AF_INET6, addr)


def endpoint(addr: bytes, port: int, proto: int, *, numeric: bool) -> str:
    """ADDR:PORT, an IPv6 address in brackets; the port by its name unless numeric."""
    shown = str(port)
    if not numeric:
        try:
            shown = socket.getservbyport(port, "tcp" if proto == TCP else "udp")
        except OSError:
            shown = str(port)
    host = address_text(addr)
    return f"{host}:{shown}" if len(addr) == 4 else f"[{host}]:{shown}"


def _large(value: int, *, exact: bool) -> str:
    """A counter nine columns wide, with a unit when it is large."""
    if exact:
        digits = str(value)
        return f" {digits}" if len(digits) > 8 else f"{digits:>9}"
    for limit, unit, letter in (
        (10**8, 1, ""),
        (10**9, 10**3, "K"),
        (10**11, 10**6, "M"),
        (10**14, 10**9, "G"),
    ):
        if value < limit:
            return f"{value // unit:>{8 if letter else 9}}{letter}"
    return f"{value // 10**12:>8}T"


def title(command: Command) -> str:
    """The lines above a list of services."""
    head = f"{'Prot LocalAddress:Port':<33} "
    below = "  -> RemoteAddress:Port\n"
    if command.has("stats"):
        columns = ("Conns", "InPkts", "OutPkts", "InBytes", "OutBytes")
        return head + " ".join(f"{name:>8}" for name in columns) + "\n" + below
    if command.has("rate"):
        columns = ("CPS", "InPPS", "OutPPS", "InBPS", "OutBPS")
        return head + " ".join(f"{name:>8}" for name in columns) + "\n" + below
    if command.has("thresholds"):
        limits = ("Uthreshold", "Lthreshold", "ActiveConn", "InActConn")
        return head + " ".join(f"{name:<10}" for name in limits) + "\n" + below
    if command.has("persistent-conn"):
        names = f"{'Weight':<9} {'PersistConn':<11} {'ActiveConn':<10} {'InActConn':<10}\n"
        return head + names + below
    return (
        "Prot LocalAddress:Port Scheduler Flags\n"
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
    )


def _stats(row: Value) -> list[int]:
    stats = row.get("stats")
    return [int(value) for value in stats] if isinstance(stats, list) else [0] * 5


def _sum(dests: list[Value]) -> list[int]:
    return [sum(column) for column in zip([0] * 5, *(_stats(dest) for dest in dests), strict=True)]


def sort_key(row: Value) -> tuple[int, int, bytes, int]:
    """The order of services: family, protocol, address, port."""
    vip = raw(row, "vip")
    return len(vip), number(row, "proto"), vip, number(row, "vport")


def _dest_key(row: Value) -> tuple[bytes, int]:
    return raw(row, "addr"), number(row, "port")


def _dest_line(command: Command, dest: Value, name: str) -> str:
    exact = command.has("exact")
    head = f"  -> {name:<28}"
    active, inactive = number(dest, "active"), number(dest, "inactive")
    if command.has("stats"):
        return head + "".join(_large(value, exact=exact) for value in _stats(dest))
    if command.has("rate"):
        return f"{head} {0:>8} {0:>8} {0:>8}" + _large(0, exact=exact) * 2
    if command.has("thresholds"):
        limits = f"{number(dest, 'max_conn'):<10} {number(dest, 'min_conn'):<10}"
        return f"{head} {limits} {active:<10} {inactive:<10}"
    if command.has("persistent-conn"):
        return f"{head} {number(dest, 'weight'):<9} {0:<11} {active:<10} {inactive:<10}"
    line = (
        f"{head} {text(dest, 'forward'):<7} {number(dest, 'weight'):<6} {active:<10} {inactive:<10}"
    )
    return line + (" overload" if dest.get("overload") else "")


def _flags(row: Value) -> str:
    fixed, proxy, check = number(row, "conn_timeout"), text(row, "proxy"), text(row, "dest_check")
    shown = f" conn-timeout {fixed}" if fixed else ""
    shown += f" pp{proxy}" if proxy else ""
    return shown + (f" dest-check internal:{check}" if check else "")


_SAVED = {"FullNat": "-b", "Route": "-g"}


def service(command: Command, row: Value, *, forward_is_named: bool = True) -> str:
    """A service with its servers."""
    proto = number(row, "proto")
    vip = raw(row, "vip")
    numeric = command.has("numeric")
    vname = endpoint(vip, number(row, "vport"), proto, numeric=numeric)
    dests = rows(row, "dests")
    if not command.has("nosort"):
        dests = sorted(dests, key=_dest_key)
    scheduler = text(row, "scheduler")
    if command.name == "save":
        switch = _SWITCHES[proto]
        kept = number(row, "saved_timeout")  # by a quirk; the tool itself saves no options
        lines = [
            f"-A {switch} {vname} -s {scheduler}" + (f" --conn-timeout {kept}" if kept else "")
        ]
        lines += [
            f"-a {switch} {vname} -r"
            f" {endpoint(raw(dest, 'addr'), number(dest, 'port'), proto, numeric=numeric)}"
            f" {_SAVED[text(dest, 'forward')] if forward_is_named else '(null)'}"
            f" -w {number(dest, 'weight')}"
            for dest in dests
        ]
        return "".join(line + "\n" for line in lines)
    name = f"{_NAMES[proto]}  {vname}"
    if len(vip) == 4:
        name = name[:33]
    if command.has("stats") or command.has("rate"):
        values = [0] * 5 if command.has("rate") else _sum(dests)
        exact = command.has("exact")
        lines = [f"{name:<33}" + "".join(_large(value, exact=exact) for value in values)]
    else:
        lines = [f"{name} {scheduler}" + _flags(row)]
    for dest in dests:
        dname = endpoint(raw(dest, "addr"), number(dest, "port"), proto, numeric=numeric)
        if len(vip) == 4:
            dname = dname[:28]
        lines.append(_dest_line(command, dest, dname))
    return "".join(line + "\n" for line in lines)


def laddrs(row: Value, entries: list[Value], *, with_title: bool) -> str:
    """The local addresses of a service."""
    out = ""
    if with_title:
        out = f"{'VIP:VPORT':<20} {'TOTAL':<8} {'SNAT_IP':<20} {'CONFLICTS':<10} {'CONNS':<10}\n"
    name = endpoint(raw(row, "vip"), number(row, "vport"), TCP, numeric=True)
    out += f"{name:<20} {len(entries):<8} \n"
    for entry in entries:
        addr = address_text(raw(entry, "addr"))
        out += f"{'':<20} {'':<8} {addr:<20} {0:<10} {number(entry, 'conns'):<10}\n"
    return out


def _pair(row: Value, name: str) -> tuple[bytes, int]:
    value = row[name]
    if isinstance(value, tuple):
        addr, port = value
        return bytes(addr), int(port)
    return b"", 0


def connection(row: Value, *, numeric: bool) -> str:
    """A connection on one line."""
    proto = number(row, "proto")
    word = {6: "tcp", 17: "udp"}.get(proto, "--")
    ends = [
        endpoint(*_pair(row, name), proto, numeric=numeric)
        for name in ("client", "virtual", "local", "server")
    ]
    seconds = f"{number(row, 'timeout')}s"
    return (
        f"[{number(row, 'lcore')}]{word:<3} {seconds:<6} {text(row, 'state'):<11}"
        f" {ends[0]:<18} {ends[1]:<18} {ends[2]:<18} {ends[3]}\n"
    )


def write(parts: list[str]) -> None:
    """Print."""
    sys.stdout.write("".join(parts))
