"""IP and Ethernet headers from one port of the DUT to the other, as translated by FullNAT.

Pure functions on views; sources: ip_vs_xmit.c, ip_vs_nat64.c (v1.10.2), and the recordings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from .connection import Arm, Connection
from .views import DONT_FRAGMENT, Checksum, IpView, VlanTag

V = TypeVar("V", bound=IpView)

ETHERTYPE = {4: 0x0800, 6: 0x86DD}
HEADER = {4: 20, 6: 40}


def towards_rs(view: V, connection: Connection) -> V:
    moved = _family(view, connection.rs.version)
    moved = _link(moved, connection.service.lan, connection.rs_mac)
    return _addresses(moved, connection.lip.address, connection.rs.address, connection)


def towards_client(view: V, connection: Connection) -> V:
    moved = _family(view, connection.client.version)
    moved = _link(moved, connection.service.wan, connection.service.wan_peer_mac)
    return _addresses(moved, connection.service.vip.address, connection.client.address, connection)


def _addresses(view: V, src: str, dst: str, connection: Connection) -> V:
    ttl = view.ttl - connection.service.behaviour.ttl_step
    checksum: Checksum | None = "correct" if view.version == 4 else None
    return replace(view, src=src, dst=dst, ttl=ttl, ip_checksum=checksum)


def _link(view: V, link: Arm, peer_mac: str) -> V:
    vlans = () if link.vlan is None else (VlanTag(0x8100, 0, 0, link.vlan),)
    return replace(view, mac_src=link.dut_mac, mac_dst=peer_mac, vlans=vlans, padding=b"")


def _family(view: V, version: int) -> V:
    """NAT64 creates a new header: TOS and flow label 0; IPv4 with id 0 and DF."""
    if view.version == version:
        return view
    length = view.ip_length - HEADER[view.version] - len(view.ip_options) + HEADER[version]
    four = version == 4
    return replace(
        view,
        version=version,
        ethertype=ETHERTYPE[version],
        tos=0,
        flow_label=None if four else 0,
        ip_length=length,
        ip_id=0 if four else None,
        ip_flags=DONT_FRAGMENT if four else None,
        fragment_offset=0,
        ip_options=b"",
    )
