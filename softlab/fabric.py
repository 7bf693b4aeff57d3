"""The links between the hosts: bridges, veths and the gateway, in a network namespace of their own.

Every link is a bridge (br-mgmt, br-wan, br-lan, br-remote). The namespace itself is the gateway:
it forwards between br-wan and br-remote and has no address on the lan, as in the article only the
DUT's lan arm reaches the real servers.
"""

import subprocess
from collections.abc import Mapping
from typing import Any, Final

from softlab import kernel, trunk
from softlab.spec import (
    CARDS,
    LINKS,
    MANAGEMENT_PREFIX,
    ROUTER_MANAGEMENT,
    LabSpec,
    Nic,
)

#: Of every host: nothing inherited from the machine (which may filter or forward), and IPv6
#: addresses that can be used as soon as they are set, with no other packets on their account.
HOST_SYSCTLS: Final = {
    **{f"net.ipv4.conf.{which}.rp_filter": 0 for which in ("all", "default")},
    **{f"net.ipv4.conf.{which}.arp_ignore": 0 for which in ("all", "default")},
    **{f"net.ipv4.conf.{which}.arp_announce": 0 for which in ("all", "default")},
    "net.ipv4.ip_forward": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.dad_transmits": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.default.router_solicitations": 0,
    "net.ipv6.conf.default.autoconf": 0,
}


#: In a lab's directory: its namespace, and the cables of the DUT.
FABRIC: Final = "fabric.json"


class LinkError(Exception):
    """A link could not be made; the text quotes iproute2."""


def ip_batch(lines: list[str]) -> None:
    """Run `ip` once for many commands in this network namespace. Raises LinkError."""
    done = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True
    )
    if done.returncode != 0:
        raise LinkError(f"ip -batch failed: {' '.join(done.stderr.split())}")


def described(spec: LabSpec, pid: int, inode: int) -> dict[str, Any]:
    """JSON values for who works on the cables: the namespace, and the ends that are the DUT's."""
    return {
        "pid": pid,
        "inode": inode,
        "cables": [
            {"link": nic.link, "end": trunk_of(spec, nic), "tagged": nic.link in spec.vlans}
            for nic in spec.nics
            if nic.link is not None
        ],
    }


def trunk_of(spec: LabSpec, nic: Nic) -> str:
    """The port of the link's bridge by which it reaches the DUT: of a bond, one for all members."""
    link = spec.bonded(nic)
    return f"{_dut(spec)}-{nic.name}" if link is None else f"bond-{link}"


def groups(spec: LabSpec) -> list[dict[str, Any]]:
    """The other ends of the DUT's bonds, as arguments of `softlab.lag`."""
    return [
        {
            "mode": mode,
            "cables": {name: f"{_dut(spec)}-{name}" for name in CARDS[link]},
            "bridge": f"lag-{link}",
        }
        for link, mode in spec.bonds.items()
    ]


def _dut(spec: LabSpec) -> str:
    return next(host.name for host in spec.hosts if host.role == "dut")


def build(spec: LabSpec, pids: Mapping[str, int]) -> None:
    """Make all links, from inside the fabric's namespace.

    `pids`: host name to the process in whose network namespace the host's ends belong. A host that
    is not there is a virtual machine: its ends are taps.
    """
    kernel.write_sysctls(
        {
            **HOST_SYSCTLS,
            "net.ipv6.conf.default.disable_ipv6": 1,
            "net.bridge.bridge-nf-call-iptables": 0,
            "net.bridge.bridge-nf-call-ip6tables": 0,
            "net.bridge.bridge-nf-call-arptables": 0,
        }
    )
    lines: list[str] = ["link set lo up"]
    for number, link in enumerate(("mgmt", *LINKS)):
        lines.append(
            f"link add br-{link} address 02:00:00:fe:00:{number:02x} type bridge "
            "stp_state 0 forward_delay 0 mcast_snooping 0"
        )
    ends: list[str] = []

    def cable(end: str, bridge: str | None, host: str, interface: str, mac: str) -> None:
        lines.append(
            f"link add {end} type veth peer name {interface} address {mac} netns {pids[host]}"
        )
        lines.append(f"link set {end} {f'master br-{bridge} ' if bridge else ''}up")
        ends.append(end)

    def tap(end: str, bridge: str | None) -> None:
        lines.append(f"tuntap add dev {end} mode tap")
        lines.append(f"link set {end} {f'master br-{bridge} ' if bridge else ''}up")
        ends.append(end)

    dut = _dut(spec)
    for host in spec.hosts:
        if host.name not in pids:
            tap(f"{host.name}-m", "mgmt")
            continue
        cable(f"{host.name}-m", "mgmt", host.name, "eth0", host.mac(0))
        if host.link is not None:
            cable(f"{host.name}-d", host.link, host.name, "eth1", host.mac(1))
    for nic in spec.nics:
        bridge = None if spec.bonded(nic) else nic.link
        if dut in pids:
            cable(f"{dut}-{nic.name}", bridge, dut, nic.name, nic.mac)
        else:
            tap(f"{dut}-{nic.name}", bridge)
    for leg in spec.legs:
        cable(f"{dut}-{leg.name}", leg.link, dut, leg.name, leg.mac)
    for link in spec.bonds:
        # Between the two is the switch's end of the bond, which is a process (softlab/lag).
        lines.append(f"link add bond-{link} type veth peer name lag-{link}")
        lines.append(f"link set bond-{link} master br-{link} up")
        lines.append(f"link set lag-{link} up")
        ends.extend((f"bond-{link}", f"lag-{link}"))
    lines.extend(f"link set br-{link} up" for link in ("mgmt", *LINKS))
    lines.append(f"addr add {ROUTER_MANAGEMENT}/{MANAGEMENT_PREFIX} dev br-mgmt")
    ip_batch(lines)
    for end in (*ends, *(f"br-{link}" for link in LINKS)):
        kernel.offloads_off(end)
    for nic in spec.nics:
        if nic.link is not None and nic.link in spec.vlans:
            # Hosts stand on access ports: only the DUT's frames have tags.
            trunk.make(trunk_of(spec, nic), spec.vlans[nic.link])
    _gateway(spec)


def _gateway(spec: LabSpec) -> None:
    for link in spec.router:
        kernel.write_sysctls({f"net.ipv6.conf.br-{link}.disable_ipv6": 0})
    ip_batch(
        [
            f"addr add {address} dev br-{link}{' nodad' if ':' in address else ''}"
            for link, addresses in spec.router.items()
            for address in addresses
        ]
        or ["link set lo up"]
    )
    kernel.write_sysctls(
        {
            "net.ipv4.ip_forward": 1,
            "net.ipv6.conf.all.forwarding": 1,
            "net.ipv4.conf.all.send_redirects": 0,
            "net.ipv4.conf.default.send_redirects": 0,
        }
    )
