"""The deployment's parts as shell variables, so that no fault names an address or a port."""

from __future__ import annotations

import shlex

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import Address


def prelude(deployment: Deployment, facts: VersionFacts, role: str) -> str:
    """Assignments and functions that the sh text of every fault may use.

    VIP, LIP, RS1, RS2, CLIENT1, CLIENT2, GATEWAY and the same with a 6; WANNET, LANNET; WAN, LAN,
    SPARE (ports), WANDEV (what DPVS has on wan: the port, or a VLAN of it), KWAN, KLAN (kni); BIN,
    CONF, PIDFILE, IPC, LOG; IF (the host's interface); WANIF, WANPCI, SPAREIF, SPAREPCI, KDRIVER,
    DRIVER; NODE1, PAGES, PAGESIZE, HUGE; POOL, SOURCES (SNAT's first address, whose packets).
    `on_tool TOOL TEXT` puts TEXT in front of a DPVS tool: sh text where `$real` is the tool, and
    WAN, LAN, VIP, LIP, RS1, RS2, GATEWAY and CLIENT1 are set; `off_tool TOOL` takes it away. It is
    mounted over the tool, so that a read-only installation stays as it is. `tidy`
    removes what checks of the tools may have left: all of the documentation networks.
    """
    topology, dut = deployment.topology, deployment.bench.dut
    values: dict[str, str] = {}

    def both(name: str, four: Address | None, six: Address | None) -> None:
        values.update({name: str(four or ""), f"{name}6": str(six or "")})

    vips = [a.address for a in deployment.addresses if a.use == "vip"]
    lips = [a.address for a in deployment.addresses if a.use == "lip"]
    for name, found in (("VIP", vips), ("LIP", lips)):
        both(name, *(next((a for a in found if a.version == v), None) for v in (4, 6)))
    for number, machine in enumerate(topology.real_servers.values(), 1):
        both(f"RS{number}", machine.address, machine.address6)
    for number, client in enumerate(topology.clients.values(), 1):
        both(f"CLIENT{number}", client.address, client.address6)
    # With one arm, that is both.
    # A topology of your own may call its links by other names.
    wan_link = next(n for n in ("wan", *topology.vips, *topology.links) if n in topology.links)
    others = (n for n in ("lan", *topology.links) if n in topology.links and n != wan_link)
    lan_link = next(others, wan_link)
    wan, lan = deployment.port(wan_link), deployment.port(lan_link)
    spare = next((port for port in deployment.ports if port.link is None), lan)
    for rule in topology.snat[:1]:
        values |= {"POOL": str(rule.pool[0].address), "SOURCES": "-".join(map(str, rule.sources))}
    gateways = topology.links[wan_link].gateways
    both("GATEWAY", *(next((g for g in gateways if g.version == v), None) for v in (4, 6)))
    for name, link in (("WAN", wan_link), ("LAN", lan_link)):
        four, *six = topology.links[link].networks
        values |= {f"{name}NET": str(four), f"{name}NET6": str(six[0]) if six else ""}
        if kni := topology.links[link].kni:
            both(f"{name}KNI", kni.address, kni.address6)
    clients, servers = deployment.bench.clients, deployment.bench.real_servers
    interface = clients[role].interface if role in clients else ""
    interface = servers[role].interface if role in servers else interface
    values |= {
        "WAN": wan.name,
        "LAN": lan.name,
        "WANDEV": deployment.device(wan_link),
        "SPARE": spare.name,
        "KWAN": wan.kni,
        "KLAN": lan.kni,
        "WANMAC": wan.nic.mac,
        "SPAREIF": spare.nic.name,
        "SPAREPCI": spare.nic.pci or "",
        "KDRIVER": spare.nic.kernel_driver or "",
        "DRIVER": spare.nic.dpdk_driver or "",
        "BIN": f"{dut.dpvs.home}/bin",
        "CONF": dut.dpvs.conf,
        "DEVBIND": dut.dpvs.devbind or "dpdk-devbind.py",
        "DPDKSRC": dut.dpvs.dpdk_source or "",
        "DPVSSRC": dut.dpvs.dpvs_source or "",
        "PIDFILE": facts.pid_file,
        "IPC": facts.ipc_path,
        "LOG": topology.dpvs.log_file or "/dev/null",
        "IF": interface,
        "NODE1": str(dut.numa_nodes[-1]),
        "PAGES": str(deployment.hugepages_per_node),
        "PAGESIZE": str(topology.hugepages.size_kb),
        "HUGE": topology.hugepages.mount,
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join(lines) + _FUNCTIONS


_FUNCTIONS = r"""
dpip() { timeout 5 "$BIN/dpip" "$@"; }
ipvsadm() { timeout 5 "$BIN/ipvsadm" "$@"; }
export DPVS_IPC_FILE=$IPC
on_tool() {
    mkdir -p /run/faults && cp -f "$BIN/$1" "/run/faults/$1.real" && {
        printf '#!/bin/sh\nreal=%s\n' "/run/faults/$1.real"
        printf '%s\n' "WAN=$WAN LAN=$LAN VIP=$VIP LIP=$LIP RS1=$RS1 RS2=$RS2"
        printf '%s\n' "GATEWAY=$GATEWAY CLIENT1=$CLIENT1"
        printf '%s\n' "$2"
    } >"/run/faults/$1" && chmod 755 "/run/faults/$1" && mount --bind "/run/faults/$1" "$BIN/$1"
}
tidy() {
    for v in -t -u; do
        ipvsadm -Sn | awk -v v=$v '$1=="-A" && $2==v && $3~/^(198.51|.2001:db8:fff)/{print $3}' |
        while read -r s; do ipvsadm -D $v "$s"; done
    done
    ipvsadm -Sn | awk '$1=="-A" && $2=="-H" && /=192.0.2/{print $3}' |
    while read -r m; do ipvsadm -D -H "$m"; done
    dpip addr show | awk '$2~/^(192.0.2|198.51.100|2001:db8:fff)/{print $2, $NF}' |
    while read -r a d; do dpip addr del "$a" dev "$d"; done
    for f in -4 -6; do
        dpip $f route show | awk '$2~/^(192.0.2|198.51.100|2001:db8:fff)/{
            for (i=3; i<NF; i++) {if ($i=="dev") d=$(i+1); if ($i=="scope") s=$(i+1)}
            print $2, d, s}' |
        while read -r r d s; do
            case $s in host|kni_host) s="scope $s";; *) s=;; esac
            dpip $f route del "$r" $s dev "$d"
        done
    done
    dpip neigh show | awk '/static/ && $2~/^(192.0.2|2001:db8:fff)/{print $2, $8}' |
    while read -r a d; do dpip neigh del "$a" dev "$d"; done
    for p in $WAN $LAN $SPARE; do
        dpip link set "$p" promisc off
        dpip link set "$p" forward2kni off
    done
} >/dev/null 2>&1
off_tool() {
    umount "$BIN/$1" && rm -f "/run/faults/$1" "/run/faults/$1.real" /run/faults/kept.*
}
"""


def quirk_command(name: str) -> str:
    """sh text that has the simulated DPVS switch to this quirk; to none for an empty name."""
    program = "import sys; sys.path.insert(0, '/opt'); from softlab.simulated import quirks; "
    program += f"quirks.switch({name!r})"
    return f"timeout 5 python3 -SE -c {shlex.quote(program)}"
