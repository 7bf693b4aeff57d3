"""A device in memory with the addresses of the recordings."""

from __future__ import annotations

from softlab.packet import PROTO_TCP, PROTO_UDP, address, mac
from softlab.simulated import interfaces
from softlab.simulated.addresses import SCOPE_GLOBAL, IfAddr
from softlab.simulated.core import DataPath
from softlab.simulated.ports import Port
from softlab.simulated.quirks import Quirks
from softlab.simulated.routes import NET, Route
from softlab.simulated.settings import Settings
from softlab.simulated.versions import Version

LAN, WAN = 0, 1
LAN_MAC = mac("02:00:00:00:02:01")
WAN_MAC = mac("02:00:00:00:01:01")
CLIENT_MAC = mac("02:00:00:00:01:48")
RS_MACS = {mac("02:00:00:00:02:12"): "rs1", mac("02:00:00:00:02:13"): "rs2"}


def add_address(path: DataPath, port: int, text: str, *, sapool: bool = False) -> None:
    """ADDR/PLEN on a port."""
    addr, _, plen = text.partition("/")
    entry = IfAddr(port, address(addr), int(plen), SCOPE_GLOBAL, b"", 0, sapool=sapool, born=0.0)
    interfaces.add_address(path, entry)


def add_route(path: DataPath, port: int, text: str, via: str = "") -> None:
    """NET/PLEN on a port, with a gateway if given."""
    net, _, plen = text.partition("/")
    gateway = address(via) if via else b""
    path.add_route(Route(NET, address(net), int(plen), port, gateway=gateway), quiet=False)


def add_service(
    path: DataPath,
    proto: int,
    vip: str,
    port: int,
    servers: list[tuple[str, int]],
    lip: str,
    scheduler: str = "rr",
) -> None:
    """A FullNAT service with weight 1 for each server."""
    service = path.services.add(proto, address(vip), port, scheduler)
    for addr, rport in servers:
        service.add_dest(address(addr), rport, 1, 0, 0)
    service.add_laddr(address(lip), LAN)


def recorded(
    settings: Settings | None = None, version: str = "1.10.2", quirks: Quirks | None = None
) -> DataPath:
    """The device of the recordings: two ports, VIPs, LIPs, and a service of each kind."""
    ports = [Port(LAN, "dpdk0", LAN_MAC), Port(WAN, "dpdk1", WAN_MAC)]
    path = DataPath(ports, settings or Settings(), Version(version), quirks)
    add_address(path, WAN, "10.0.0.100/32")
    add_route(path, WAN, "10.0.0.0/16")
    add_route(path, LAN, "192.168.100.0/24")
    add_address(path, LAN, "192.168.100.200/32", sapool=True)
    add_address(path, WAN, "2001:db8:1::100/128")
    add_address(path, WAN, "2001:db8:1::64/128")
    add_address(path, LAN, "fd00:100::200/128", sapool=True)
    add_route(path, WAN, "2001:db8:1::/64")
    add_route(path, LAN, "fd00:100::/64")
    four = [("192.168.100.2", 80), ("192.168.100.3", 80)]
    six = [("fd00:100::2", 80), ("fd00:100::3", 80)]
    add_service(path, PROTO_TCP, "10.0.0.100", 80, four, "192.168.100.200")
    udp = [(addr, 8053) for addr, _ in four]
    add_service(path, PROTO_UDP, "10.0.0.100", 8053, udp, "192.168.100.200")
    add_service(path, PROTO_TCP, "2001:db8:1::100", 80, six, "fd00:100::200")
    add_service(path, PROTO_TCP, "2001:db8:1::64", 80, four, "192.168.100.200")
    path.log.clear()
    return path
