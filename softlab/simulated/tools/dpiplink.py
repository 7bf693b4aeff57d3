"""dpip link, for ports and for lcores (tools/dpip/link.c)."""

from __future__ import annotations

import sys

from softlab.simulated import errors
from softlab.simulated.tools.client import Refused, complain, number, raw, text
from softlab.simulated.tools.dpiprequest import Invalid, Request, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value

_ITEMS = {
    "promisc": "promisc",
    "allmulticast": "allmulticast",
    "forward2kni": "forward2kni",
    "link": "link",
    "tc-egress": "tc_egress",
    "tc-ingress": "tc_ingress",
    "lldp": "lldp",
    "addr": "addr",
}
_DELAYS = ("link-up-prop", "link-down-prop")
_WRONG_BOND = {
    "mode": "invalid bonding mode",
    "xmit-policy": "invalid xmit-poliy",
    "monitor-interval": "invalid link_monitor_interval",
    "link-up-prop": "invalid link_up_prop",
    "link-down-prop": "invalid link_down_prop",
}
_BOND_ITEMS = tuple(f"bond-{word}" for word in ("primary", "slave", *_WRONG_BOND))
_TRAFFIC = ("ipackets", "opackets", "ibytes", "obytes")
_FAULTS = ("ierrors", "oerrors", "imissed", "rx_nombuf")
_LCORE = (
    ("lcore_loop", "pktburst", "zpktburst", "fpktburst"),
    ("z2hpktburst", "h2fpktburst", "dropped"),
    ("ipackets", "ibytes", "opackets", "obytes"),
)
_DETAIL_ROWS = (
    ("if_index", "min_rx_bufsize", "max_rx_pktlen", "max_mac_addrs"),
    ("max_rx_queues", "max_tx_queues", "max_hash_addrs", "max_vfs"),
    ("max_vmdq_pools", "rx_ol_capa", "tx_ol_capa", "reta_size"),
    ("hash_key_size", "flowtype_rss_ol", "vmdq_que_base", "vmdq_que_num"),
    ("rx_desc_max", "rx_desc_min", "rx_desc_align", "vmdq_pool_base"),
    ("tx_desc_max", "tx_desc_min", "tx_desc_align", "speed_capa"),
)
# The order in which the daemon gives the details, by the names above.
_DETAIL_NAMES = (
    "min_rx_bufsize", "max_rx_pktlen", "max_rx_queues", "max_tx_queues", "max_mac_addrs",
    "max_hash_addrs", "max_vfs", "max_vmdq_pools", "rx_ol_capa", "tx_ol_capa", "reta_size",
    "hash_key_size", "flowtype_rss_ol", "vmdq_que_base", "vmdq_que_num", "rx_desc_max",
    "rx_desc_min", "rx_desc_align", "vmdq_pool_base", "tx_desc_max", "tx_desc_min",
    "tx_desc_align", "speed_capa",
)  # fmt: skip
_HEXADECIMAL = ("rx_ol_capa", "tx_ol_capa", "flowtype_rss_ol")


def _cells(values: tuple[str, ...] | list[str], width: int) -> str:
    return "    " + "".join(f"{value:<{width}}" for value in values) + "\n"


def _pause(seconds: int) -> None:
    from time import sleep

    sys.stdout.flush()
    sleep(seconds)


def _rates(request: Request, op: str, fields: Value, groups: list[list[str]]) -> None:
    """Counters per second, again and again; groups name the columns as they are printed."""
    shown = 0
    while not request.count or shown < request.count:
        before = request.device.get(op, **fields)
        _pause(request.interval)
        after = request.device.get(op, **fields)
        for group in groups:
            names = [label.partition("/")[0] for label in group]
            values = [
                str((number(after, name) - number(before, name)) // request.interval)
                for name in names
            ]
            sys.stdout.write(_cells(group, 16) + _cells(values, 16))
        shown += 1


def _port_basic(row: Value) -> str:
    flags = row.get("flags")
    offloads = row.get("offloads")
    words = " ".join(flags) + " " if isinstance(flags, list) and flags else ""
    capabilities = "".join(f"{word} " for word in offloads) if isinstance(offloads, list) else ""
    return (
        f"{number(row, 'index') + 1}: {text(row, 'name')}: socket {number(row, 'socket')}"
        f" mtu {number(row, 'mtu')} rx-queue {number(row, 'rx')} tx-queue {number(row, 'tx')}\n"
        f"    {text(row, 'status')} {number(row, 'speed')} Mbps full-duplex"
        f" {text(row, 'negotiation')} {words}\n"
        f"    addr {raw(row, 'hardware').hex(':').upper()} {capabilities}\n"
    )


def _port_details(row: Value) -> str:
    details = row.get("details")
    values = dict(zip(_DETAIL_NAMES, details if isinstance(details, list) else [], strict=False))
    values["if_index"] = number(row, "ifindex")
    out = _cells(["pci_addr", "driver_name"], 32)
    out += _cells([text(row, "pci"), text(row, "driver")], 32)
    for names in _DETAIL_ROWS:
        shown = [
            f"0x{values.get(name, 0):X}" if name in _HEXADECIMAL else str(values.get(name, 0))
            for name in names
        ]
        out += _cells(names, 16) + _cells(shown, 16)
    lines = row.get("queues")
    if isinstance(lines, list) and lines:
        out += "    Queue Configuration:\n" + "".join(f"{line}\n" for line in lines)
    groups = row.get("multicast")
    if isinstance(groups, list) and groups:
        out += "    HW mcast list:\n"
        for group in groups:
            out += f"        link {group.hex(':')} refcnt 1, synced 0\n"
    return out


def _show_port(request: Request, name: str) -> None:
    device = request.device
    sys.stdout.write(_port_basic(device.get("link.get", dev=name)))
    if request.stats:
        if request.interval:
            groups = [
                ["ipackets/pps", "opackets/pps", "ibytes/Bps", "obytes/Bps"],
                ["ierrors/pps", "oerrors/pps", "imissed/pps", "rx_nombuf/pps"],
            ]
            _rates(request, "link.stats", {"dev": name}, groups)
        else:
            row = device.get("link.stats", dev=name)
            for group in (_TRAFFIC, _FAULTS):
                values = [str(number(row, column)) for column in group]
                sys.stdout.write(_cells(group, 20) + _cells(values, 20))
            sys.stdout.write(_cells(["mbuf-avail", "mbuf-inuse"], 20))
            values = [str(number(row, "avail")), str(number(row, "inuse"))]
            sys.stdout.write(_cells(values, 20))
        if request.verbose and device.version.xstats:
            sys.stdout.write("    xstats list:\n")
            entries = device.get("link.xstats", dev=name)["entries"]
            if isinstance(entries, list):
                for at, (label, value) in enumerate(entries):
                    sys.stdout.write(f"        {at:<6}{label}: {value}\n")
    if request.verbose:
        sys.stdout.write(_port_details(device.get("link.ext", dev=name)))
    if request.words[:1] == ["status"]:
        sys.stdout.write(_bond_status(device.get("bond.get", dev=name)))


def _bond_status(row: Value) -> str:
    members = row.get("members")
    listed = members if isinstance(members, list) else []
    said = ""
    for member in listed:
        state = "active" if member["active"] else "inactive"
        primary = ", primary" if member["primary"] else ""
        said += f"{member['name']}({member['hardware'].hex(':').upper()}, {state}{primary}) "
    return (
        "    --- bonding status ---\n"
        f"    mode {number(row, 'mode')} mac_addr {raw(row, 'hardware').hex(':').upper()}"
        f" xmit_policy {text(row, 'policy')} link_monitor {number(row, 'monitor')}ms\n"
        f"    ative/slaves {number(row, 'active')}/{len(listed)}"
        f" link_down_prop_delay {number(row, 'down')}ms"
        f" link_up_prop_delay {number(row, 'up')}ms\n"
        f"    slaves: {said}\n"
    )


def _set_bond(request: Request, name: str, item: str, value: str) -> int:
    """The tool checks the value, and prints what is wrong with it; the status is 0."""
    word = item.removeprefix("bond-")
    right = value.isdigit() if word in ("mode", "monitor-interval", *_DELAYS) else True
    if word == "xmit-policy":
        right = value in ("LAYER2", "layer2", "LAYER23", "layer23", "LAYER34", "layer34")
    if not right or (word == "monitor-interval" and value == "0"):
        sys.stdout.write(f"{_WRONG_BOND[word]}: {value}\n")
        return 0
    try:
        request.device.set("bond.set", dev=name, item=word, value=value)
    except Refused:
        return 0
    return 0


def _show_ports(request: Request) -> int:
    try:
        names = request.device.get("link.list")["names"]
    except Refused as refused:
        complain(f"Fail to get configured NIC list: {errors.words(refused.code)}.")
        return errors.INVAL
    for name in names if isinstance(names, list) else []:
        _show_port(request, name)
    return 0


def _show_lcore(request: Request, lcore: int) -> None:
    row = request.device.get("lcore.get", lcore=lcore)
    queues = row.get("queues")
    head = f"{lcore + 1}: cpu{number(row, 'lcore')}: socket {number(row, 'socket')}\n"
    sys.stdout.write(head)
    if isinstance(queues, list) and queues:
        sys.stdout.write("    queues " + "".join(f"{queue:<16}" for queue in queues) + "\n")
    else:
        sys.stdout.write("    queues none\n")
    if not request.stats:
        return
    if request.interval:
        groups = [
            ["lcore_loop/lps", "pktburst/nps", "zpktburst/nps", "fpktburst/nps"],
            ["z2hpktburst/nps", "h2fpktburst/nps", "dropped/nps"],
            ["ipackets/pps", "ibytes/Bps", "opackets/pps", "obytes/Bps"],
        ]
        _rates(request, "lcore.stats", {"lcore": lcore}, groups)
        return
    row = request.device.get("lcore.stats", lcore=lcore)
    for group in _LCORE:
        values = [str(number(row, column)) for column in group]
        sys.stdout.write(_cells(group, 20) + _cells(values, 20))


def _show_lcores(request: Request, name: str) -> int:
    if name != "cpu":
        if not name[3:].isdigit():
            raise Invalid
        _show_lcore(request, int(name[3:]))
        return 0
    row = request.device.get("lcore.mask")
    sys.stdout.write("<< Controll Plane >>\n")
    _show_lcore(request, number(row, "master"))
    if number(row, "kni"):
        _show_lcore(request, number(row, "kni"))
    sys.stdout.write("<< Data Plane >>\n")
    workers = row.get("workers")
    for lcore in workers if isinstance(workers, list) else []:
        _show_lcore(request, lcore)
    return 0


def _set(request: Request, name: str) -> int:
    if name.startswith("cpu"):
        return 0
    if not request.words:
        complain("invalid parameter name ''")
        return errors.INVAL
    item = request.words.pop(0)
    value = request.take(item)
    if item in _BOND_ITEMS:
        return _set_bond(request, name, item, value)
    known = item in _ITEMS and not (
        (item == "lldp" and not request.device.version.lldp)
        or (item == "allmulticast" and not request.device.version.allmulticast)
    )
    if not known:
        complain(f"invalid parameter name '{item}'")
        return errors.INVAL
    allowed = ("up", "down") if item == "link" else ("on", "off")
    if value not in allowed and item != "addr":
        # The tool forgets this error: it is printed, and the status is 0.
        word = "argument" if item == "link" else "arguement"
        complain(f"invalid {word} value for '{item}'")
        return 0
    try:
        request.device.set("link.set", dev=name, item=_ITEMS[item], on=value == allowed[0])
    except Refused:
        return 0
    return 0


def _run(request: Request, name: str) -> int:
    if request.count and not request.interval:
        sys.stderr.write("miss statistics display interval")
        raise Invalid
    if request.command == "set":
        return _set(request, name)
    if request.command in ("add", "del"):
        return 0
    if request.command != "show":
        return errors.NOTSUPP
    if name.startswith("cpu"):
        return _show_lcores(request, name)
    if name:
        _show_port(request, name)
        return 0
    return _show_ports(request)


def run(request: Request) -> int:
    """dpip link."""
    try:
        return _run(request, request.words.pop(0) if request.words else "")
    except Invalid:
        usage("link")
        raise
