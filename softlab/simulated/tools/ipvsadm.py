"""ipvsadm: virtual services in FullNAT (tools/ipvsadm)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools import ipvsargs, ipvslist
from softlab.simulated.tools.client import Device, Refused, complain, rows
from softlab.simulated.tools.ipvsargs import Command, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value


def _version(device: Device) -> str:
    return f"ipvsadm v1.27 2008/5/15 (compiled with popt and IPVS {device.version.ipvs})\n"


def _service_of(command: Command) -> Value:
    return {"proto": command.proto, "vip": command.vip, "vport": command.vport}


def _options_of(command: Command) -> Value:
    """What -A and -E say of a service besides its address."""
    return {
        "scheduler": command.scheduler,
        "conn_timeout": command.conn_timeout,
        "proxy": command.proxy,
        "dest_check": command.dest_check,
    }


def _list_all(device: Device, command: Command) -> int:
    try:
        services = rows(device.get("svc.list", index=command.index), "services")
    except Refused:
        return 1
    if not command.has("nosort"):
        services = sorted(services, key=ipvslist.sort_key)
    parts = []
    if command.name != "save":
        header = device.version.header
        parts += [f"IP Virtual Server version {header} (size=0)\n", ipvslist.title(command)]
    names = device.version.saves_forward
    parts += [ipvslist.service(command, row, forward_is_named=names) for row in services]
    ipvslist.write(parts)
    return 0


def _list_one(device: Device, command: Command) -> int:
    try:
        row = device.get("svc.get", index=command.index, **_service_of(command))
    except Refused:
        complain("Success")
        return 1
    ipvslist.write([ipvslist.title(command), ipvslist.service(command, row)])
    return 0


def _list_connections(device: Device, command: Command) -> int:
    found = rows(device.get("conn.list"), "connections")
    numeric = command.has("numeric")
    ipvslist.write([ipvslist.connection(row, numeric=numeric) for row in found])
    return 0


def _list(device: Device, command: Command) -> int:
    plain = command.has("connection") or command.has("timeout") or command.has("daemon")
    if plain and any(command.has(name) for name in ("stats", "rate", "thresholds")):
        fail(2, "options conflicts in the list command")
    if command.has("connection"):
        return _list_connections(device, command)
    if command.has("service-address"):
        return _list_one(device, command)
    if command.has("timeout") or command.has("daemon"):
        # The device has neither to show; the tool says nothing about it.
        return 1
    return _list_all(device, command)


def _laddrs_of(device: Device, command: Command, row: Value) -> list[Value]:
    asked = {"proto": row["proto"], "vip": row["vip"], "vport": row["vport"]}
    return rows(device.get("laddr.list", index=command.index, **asked), "laddrs")


def _list_laddrs(device: Device, command: Command) -> int:
    try:
        if command.has("service-address"):
            found = [device.get("svc.get", index=command.index, **_service_of(command))]
        else:
            found = rows(device.get("svc.list", index=command.index), "services")
        parts = [
            ipvslist.laddrs(row, _laddrs_of(device, command, row), with_title=at == 0)
            for at, row in enumerate(found)
        ]
    except Refused:
        complain("Success")
        status = device.version.missing_service_status
        if status != 1:
            complain("Success")
        return status
    ipvslist.write(parts)
    return 0


def _edit_service(device: Device, command: Command) -> None:
    try:
        device.get("svc.get", **_service_of(command))
    except Refused:
        complain("Success")
        raise Refused(errors.INVAL) from None
    device.set("svc.edit", **_options_of(command), **_service_of(command))


def _server(device: Device, command: Command) -> None:
    rport = command.rport
    if not command.rport_given and device.version.server_port_copied:
        rport = command.vport
    op = {"add-server": "dest.add", "edit-server": "dest.edit", "delete-server": "dest.del"}
    device.set(
        op[command.name],
        rs=command.rs,
        rport=rport,
        weight=command.weight,
        max_conn=command.max_conn,
        min_conn=command.min_conn,
        forward=command.forward,
        **_service_of(command),
    )


def _laddr(device: Device, command: Command) -> None:
    adding = command.name == "add-laddr"
    # The address first, whatever comes of it; the service's list only then.
    try:
        device.set(
            "addr.add" if adding else "addr.del",
            addr=command.lip,
            plen=len(command.lip) * 8,
            scope="global",
            dev=command.dev,
            sapool=True,
        )
    except Refused as refused:
        if refused.system:
            raise
    device.set(
        "laddr.add" if adding else "laddr.del",
        lip=command.lip,
        dev=command.dev,
        **_service_of(command),
    )


def _change(device: Device, command: Command) -> int:
    name = command.name
    try:
        if name == "add-service":
            device.set("svc.add", **_options_of(command), **_service_of(command))
        elif name == "edit-service":
            _edit_service(device, command)
        elif name == "delete-service":
            device.set("svc.del", **_service_of(command))
        elif name == "flush":
            device.set("svc.flush")
        elif name == "zero":
            device.set("svc.zero", **_service_of(command))
        elif name in ("add-laddr", "del-laddr"):
            _laddr(device, command)
        else:
            _server(device, command)
    except Refused as refused:
        complain("Success")
        return refused.code
    return 0


def _restore(device: Device) -> int:
    """Commands from standard input, one per line; the last one's result counts."""
    result = 0
    for line in sys.stdin:
        words = line.split()
        if words and not words[0].startswith("#"):
            if words[0] == "ipvsadm":
                words = words[1:]
            result = _process(device, words, reading=True)
    return result


def _empty_list(command: Command) -> int:
    kind = "BLACKLIST" if command.name == "get-blklst" else "WHITELIST"
    sys.stdout.write(f"{'PROTO':<8} {'VIP:VPORT':<30} {kind:<30}\n")
    return 0


def _help(device: Device) -> int:
    ipvslist.write([_version(device), "Usage:\n"])
    for line in (
        "ipvsadm -A|E -t|u service-address [-s scheduler] [--conn-timeout seconds]",
        "ipvsadm -D -t|u service-address",
        "ipvsadm -a|e -t|u service-address -r server-address -b [-w weight]",
        "ipvsadm -d -t|u service-address -r server-address",
        "ipvsadm --add-laddr|--del-laddr -z local-address -t|u service-address -F interface",
        "ipvsadm -G [-t|u service-address]",
        "ipvsadm -L|l [-n] [-c] [--stats] [--rate] [--exact] [--cpu index]",
        "ipvsadm -C | -Z | -S [-n] | -R | -h | -v",
    ):
        ipvslist.write([f"  {line}\n"])
    return 0


def _process(device: Device, argv: list[str], *, reading: bool = False) -> int:
    command = ipvsargs.parse(argv, device.version.later_options)
    name = command.name
    if name == "help":
        return _help(device)
    if name == "version":
        ipvslist.write([_version(device)])
        return 0
    if name == "list":
        return _list(device, command)
    if name == "save":
        return _list_all(device, command)
    if name == "get-laddr":
        return _list_laddrs(device, command)
    if name in ("get-blklst", "get-whtlst"):
        return _empty_list(command)
    if name == "restore":
        if reading:
            ipvsargs.try_help()
        return _restore(device)
    return _change(device, command)


def main(argv: list[str]) -> int:
    """The tool; its exit status."""
    device = Device()
    try:
        device.get("info")
    except Refused as refused:
        why = refused.system or "Success"
        complain(f"Can't initialize ipvs: {why}\nAre you sure that dpvs is running?")
        return 2
    if len(argv) == 1:
        return _list_all(device, Command("list"))
    return _process(device, argv[1:]) & 0xFF
