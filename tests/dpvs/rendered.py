"""Models written as DPVS's tools write them: printf formats of tools/dpip and tools/ipvsadm.

The other direction of the parsers, for tests alone. Values wider than a printf field push, as in C.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from dpvs_acceptance.dpvs import dpip, ipvsadm

FOUR = "    "


def row(width: int, cells: Iterable[object]) -> str:
    return FOUR + "".join(f"{cell!s:<{width}}" for cell in cells) + "\n"


def links(found: Iterable[dpip.DpvsPort]) -> str:
    return "".join(map(link, found))


def link(one: dpip.DpvsPort) -> str:
    speed = -1 if one.speed_mbps is None else one.speed_mbps
    words = [one.status, f"{speed} Mbps", one.duplex, one.autoneg, *one.flags]
    text = (
        f"{one.number}: {one.name}: socket {one.socket} mtu {one.mtu}"
        f" rx-queue {one.rx_queues} tx-queue {one.tx_queues}\n"
        + FOUR
        + "".join(f"{word} " for word in words if word)
        + f"\n    addr {one.mac} "
        + "".join(f"{offload} " for offload in one.offloads)
        + "\n"
    )
    if one.stats is not None:
        values = astuple(one.stats)
        text += row(20, ("ipackets", "opackets", "ibytes", "obytes")) + row(20, values[:4])
        text += row(20, ("ierrors", "oerrors", "imissed", "rx_nombuf")) + row(20, values[4:8])
        text += row(20, ("mbuf-avail", "mbuf-inuse")) + row(20, values[8:])
    for rates in one.rates:
        values = astuple(rates)
        text += row(16, ("ipackets/pps", "opackets/pps", "ibytes/Bps", "obytes/Bps"))
        text += row(16, values[:4])
        text += row(16, ("ierrors/pps", "oerrors/pps", "imissed/pps", "rx_nombuf/pps"))
        text += row(16, values[4:])
    if one.xstats is not None:
        text += "    xstats list:\n"
        if not one.xstats.supported:
            text += "        not supported\n"
        for stat in one.xstats.values:
            text += f"        {stat.id:<6}{stat.name}: {stat.value}\n"
    if one.verbose is not None:
        text += verbose(one.verbose)
    if one.bond is not None:
        text += bond(one.bond)
    return text


def verbose(one: dpip.Verbose) -> str:
    info = one.info
    text = row(32, ("pci_addr", "driver_name"))
    text += row(32, (info.pci_addr or "", info.driver_name or ""))
    titles = (
        ("if_index", "min_rx_bufsize", "max_rx_pktlen", "max_mac_addrs"),
        ("max_rx_queues", "max_tx_queues", "max_hash_addrs", "max_vfs"),
        ("max_vmdq_pools", "rx_ol_capa", "tx_ol_capa", "reta_size"),
        ("hash_key_size", "flowtype_rss_ol", "vmdq_que_base", "vmdq_que_num"),
        ("rx_desc_max", "rx_desc_min", "rx_desc_align", "vmdq_pool_base"),
        ("tx_desc_max", "tx_desc_min", "tx_desc_align", "speed_capa"),
    )
    hexadecimal = {"rx_ol_capa", "tx_ol_capa", "flowtype_rss_ol"}
    for names in titles:
        text += row(16, names) + FOUR
        for name in names:
            value = info.numbers[name]
            text += f"0x{value:<14X}" if name in hexadecimal else f"{value:<16}"
        text += "\n"
    if one.queues or one.queues_truncated:
        text += "    Queue Configuration:\n"
        for queue in one.queues:
            name = f"rx{queue.queue}-tx{queue.queue}"
            cpus = f"{cpu(queue.rx_cpu)}-{cpu(queue.tx_cpu)}"
            text += f"    {name:<12}{cpus:<25}\n"
        if one.queues_truncated:
            text += "     ... (truncated)\n"
    if one.multicast or one.multicast_truncated:
        text += "    HW mcast list:\n"
        for entry in one.multicast:
            text += f"        link {entry.mac}"
            if entry.refcnt is not None:
                kni = "(kni) " if entry.from_kni else ""
                text += f" {kni}refcnt {entry.refcnt}, synced {entry.synced}"
            text += "\n"
        if one.multicast_truncated:
            text += "     ... (truncated)\n"
    return text


def cpu(number: int | None) -> str:
    return "xx" if number is None else f"cpu{number}"


def bond(one: dpip.BondStatus) -> str:
    members = "".join(
        f"{member.name}({member.mac}, {'active' if member.active else 'inactive'}"
        + (", primary) " if member.primary else ") ")
        for member in one.members
    )
    return (
        "    --- bonding status ---\n"
        f"    mode {one.mode} mac_addr {one.mac} xmit_policy {one.xmit_policy}"
        f" link_monitor {one.link_monitor_ms}ms\n"
        f"    ative/slaves {one.active}/{one.slaves}"
        f" link_down_prop_delay {one.link_down_prop_delay_ms}ms"
        f" link_up_prop_delay {one.link_up_prop_delay_ms}ms\n"
        f"    slaves: {members}\n"
    )


PLANES = {
    "control": "<< Controll Plane >>\n",
    "data": "<< Data Plane >>\n",
    "isolated": "<< Isolate RX Lcores >>\n",
}


def lcores(found: Iterable[dpip.Lcore]) -> str:
    text, plane = "", None
    for one in found:
        if one.plane != plane and one.plane is not None:
            text += PLANES[one.plane]
        plane = one.plane
        text += f"{one.number}: cpu{one.cpu}: socket {one.socket}\n"
        text += f"    queues {''.join(map(lcore_queue, one.queues)) or 'none'}\n"
        if one.stats is not None:
            text += lcore_stats(one.stats, 20, ("",) * 11)
        for sample in one.rates:
            text += lcore_stats(
                sample,
                16,
                ("/lps", *("/nps",) * 6, "/pps", "/Bps", "/pps", "/Bps"),
            )
    return text


def lcore_queue(one: dpip.LcoreQueue) -> str:
    name = f"{one.device}:{one.direction}{one.queue}"
    if one.waiting is None:
        return f"{name:<16}"
    return f"{f'{name}({one.waiting}/{one.free})':<32}"


def lcore_stats(one: dpip.LcoreStats, width: int, units: tuple[str, ...]) -> str:
    names = (
        *("lcore_loop", "pktburst", "zpktburst", "fpktburst", "z2hpktburst", "h2fpktburst"),
        *("dropped", "ipackets", "ibytes", "opackets", "obytes"),
    )
    titles = [name + unit for name, unit in zip(names, units, strict=True)]
    values = astuple(one)
    return "".join(
        row(width, titles[a:b]) + row(width, values[a:b]) for a, b in ((0, 4), (4, 7), (7, 11))
    )


def addresses(found: Iterable[dpip.AddressEntry]) -> str:
    text = ""
    for one in found:
        lcore = "" if one.lcore is None else f"[{one.lcore:02d}] "
        family = "inet6" if one.interface.version == 6 else "inet"
        broadcast = "" if one.broadcast is None else f"broadcast {one.broadcast}"
        text += f"{lcore}{family} {one.interface} scope {one.scope} {one.device}\n    {broadcast}"
        text += f" valid_lft {lifetime(one.valid_lft)} preferred_lft {lifetime(one.preferred_lft)}"
        if one.pool is not None:
            pool = one.pool
            text += f" sa_used {pool.used} sa_free {pool.free} sa_miss {pool.miss}"
        text += "\n"
    return text


def lifetime(seconds: int | None) -> str:
    return "forever" if seconds is None else str(seconds)


def routes(found: Iterable[dpip.Route]) -> str:
    return "".join(map(route, found))


def route(one: dpip.Route) -> str:
    if one.destination.version == 4:
        return (
            f"inet {one.destination} via {one.via or '0.0.0.0'} src {one.source or '0.0.0.0'}"
            f" dev {one.device} mtu {one.mtu} tos {one.tos} scope {one.scope}"
            f" metric {one.metric} proto {one.proto} {'onlink ' if one.onlink else ''}\n"
        )
    nowhere = int(one.destination.ip) == 0 and one.is_default
    text = f"inet6 {'default' if nowhere else one.destination}"
    text += "" if one.via is None else f" via {one.via}"
    text += "" if one.source is None else f" src {one.source}"
    text += f" dev {one.device}" + ("" if one.mtu is None else f" mtu {one.mtu}")
    return f"{text} scope {one.scope}\n"


def neighbours(found: Iterable[dpip.Neighbour]) -> str:
    text = ""
    for one in found:
        static = "static" if one.static else ""
        if one.mac is not None:
            text += (
                f"ip: {one.address!s:<48} mac: {one.mac}   state: {one.state:<12}"
                f"  dev: {one.device}  core: {one.lcore}  {static}\n"
            )
        else:
            text += (
                f"ip: {one.address!s:<48} mac:incomplate                       "
                f"state: {one.state:<12}   dev: {one.device}  core: {one.lcore}  {static}\n"
            )
    return text


def vlans(found: Iterable[dpip.VlanDevice]) -> str:
    return "".join(f"{v.name} link {v.link} proto {v.proto} id {v.vlan_id}\n" for v in found)


def tunnels(found: Iterable[dpip.Tunnel]) -> str:
    text = ""
    for one in found:
        text += f"{one.name}: {one.kind:>4} remote {one.remote} local {one.local} "
        text += f"dev {one.device} " if one.device else ""
        text += f"ttl {one.ttl or 'inherit'} "
        for name in ("tos", "i_flags", "o_flags", "i_key", "o_key"):
            value = getattr(one, name)
            text += f"{name} 0x{value:x} " if value else ""
        text += "\n"
    return text


def multicast(found: Iterable[dpip.PortMulticast]) -> str:
    text = ""
    for one in found:
        text += f"{one.number}:\t{one.device}\n"
        text += "".join(f"\tlink {mac}\n" for mac in one.macs)
        for group in one.groups:
            text += f"\t{'inet6' if group.version == 6 else 'inet':>5} {group}\n"
    return text


def header(found: ipvsadm.ServiceTable | ipvsadm.CountersTable) -> str:
    if found.header is None:
        return ""
    return f"IP Virtual Server version {found.header.version} (size={found.header.size})\n"


def services(found: ipvsadm.ServiceTable, timeout_flag: str = "conn-timeout") -> str:
    text = header(found) + (
        "Prot LocalAddress:Port Scheduler Flags\n"
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
    )
    for one in found.services:
        text += f"{one.id} {one.scheduler}"
        text += f" {one.hash_target}" if one.hash_target else ""
        if one.persistence is not None:
            text += f" persistent {one.persistence.timeout}"
            text += f" mask {one.persistence.mask}" if one.persistence.mask else ""
        text += " ops" if one.one_packet else ""
        text += " synproxy" if one.synproxy else ""
        text += f" {timeout_flag} {one.conn_timeout}" if one.conn_timeout is not None else ""
        text += f" pp{one.proxy_protocol}" if one.proxy_protocol else ""
        text += " expire-quiescent" if one.expire_quiescent else ""
        text += " quic" if one.quic else ""
        if one.dest_check is not None:
            text += " dest-check"
            text += f" internal:{one.dest_check.internal}" if one.dest_check.internal else ""
            external = ",".join(one.dest_check.external)
            text += f" external:{external}" if external else ""
        text += "\n"
        for server in one.servers:
            text += (
                f"  -> {server.endpoint!s:<28} {server.forward:<7} {server.weight:<6} "
                f"{server.active:<10} {server.inactive:<10}"
            )
            marks = [
                name
                for name, is_set in (
                    ("inhibited", server.inhibited),
                    ("overload", server.overloaded),
                )
                if is_set
            ]
            text += f" {','.join(marks)}\n" if marks else "\n"
    return text


def large(value: int, rounded: bool) -> str:
    if not rounded:
        digits = str(value)
        return f"{digits:>{9 if len(digits) <= 8 else len(digits) + 1}}"
    for limit, divisor, unit in (
        (10**8, 1, ""),
        (10**9, 10**3, "K"),
        (10**11, 10**6, "M"),
        (10**14, 10**9, "G"),
    ):
        if value < limit:
            return f"{value // divisor:>{8 if unit else 9}}{unit}"
    return f"{value // 10**12:>8}T"


def counters(one: ipvsadm.Counters) -> str:
    values = (one.conns, one.in_pkts, one.out_pkts, one.in_bytes, one.out_bytes)
    return "".join(large(value, one.rounded) for value in values)


def stats(found: ipvsadm.CountersTable) -> str:
    titles = ("Conns", "InPkts", "OutPkts", "InBytes", "OutBytes")
    return _counters_table(found, titles)


def rates(found: ipvsadm.CountersTable) -> str:
    return _counters_table(found, ("CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"))


def _counters_table(found: ipvsadm.CountersTable, titles: tuple[str, ...]) -> str:
    columns = " ".join(f"{title:>8}" for title in titles)
    text = header(found) + f"{'Prot LocalAddress:Port':<33} {columns}\n  -> RemoteAddress:Port\n"
    for one in found.services:
        limit = "" if one.limit_mbps is None else f" bps {one.limit_mbps}M"
        text += f"{f'{one.id}{limit}':<33}{counters(one.counters)}\n"
        for server in one.servers:
            text += f"  -> {server.endpoint!s:<28}{counters(server.counters)}\n"
    return text


def laddrs(found: Iterable[ipvsadm.ServiceLaddrs]) -> str:
    text = ""
    for one in found:
        if not text:
            text = f"{'VIP:VPORT':<20} {'TOTAL':<8} {'SNAT_IP':<20} {'CONFLICTS':<10} "
            text += f"{'CONNS':<10}\n"
        text += f"{one.vip!s:<20} {len(one.addresses):<8} \n"
        for lip in one.addresses:
            text += f"{'':<20} {'':<8} {lip.address!s:<20} {lip.conflicts:<10} "
            text += f"{lip.connections:<10}\n"
    return text


def connections(found: Iterable[ipvsadm.ConnectionEntry]) -> str:
    text = ""
    for one in found:
        timeout = f"{one.timeout}" if one.timeout_cut else f"{one.timeout}s"
        protocol = "--" if one.protocol is None else one.protocol.lower()
        ends = f"{one.client!s:<18} {one.virtual!s:<18} {one.local!s:<18} {one.server}"
        text += f"[{one.lcore}]{protocol:<3} {timeout:<6} {one.state:<11} {ends}\n"
    return text


def access(found: Iterable[ipvsadm.AccessRule], kind: str, *, protocol_first: bool) -> str:
    def line(protocol: str, vip: str, subject: str) -> str:
        if protocol_first:
            return f"{protocol:<8} {vip:<30} {subject:<30}\n"
        return f"{vip:<20} {protocol:<8} {subject:<20}\n"

    text = line("PROTO", "VIP:VPORT", kind)
    for one in found:
        subject = f"ipset:{one.ipset}" if one.ipset is not None else str(one.address)
        protocol = "IMCPv6" if one.protocol == "ICMPv6" else one.protocol
        text += line(protocol, str(one.vip), subject)
    return text
