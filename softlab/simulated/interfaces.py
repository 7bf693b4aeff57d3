"""The addresses of the ports, with the routes and multicast groups that come and go with them
(src/inetaddr.c)."""

from __future__ import annotations

from softlab.packet import ANY6, address_text, solicited_node
from softlab.simulated.routes import LOCAL, NET, Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.addresses import IfAddr
    from softlab.simulated.core import DataPath, Frames
    from softlab.simulated.ports import Port


def add_address(path: DataPath, entry: IfAddr) -> Frames:
    """Add an address with its routes; for IPv6 also its multicast group and a DAD probe."""
    path.addresses.add(entry)
    if len(entry.addr) == 16:
        join(path, path.ports[entry.port], solicited_node(entry.addr))
    path.say_each("IFA", f"ifa_entry_add: add ifaddr {address_text(entry.addr)}")
    limit = len(entry.addr) * 8
    mtu = path.ports[entry.port].mtu
    path.add_route(Route(LOCAL, entry.addr, limit, entry.port, mtu=mtu), quiet=True)
    if entry.plen < limit:
        shift = limit - entry.plen
        net = (int.from_bytes(entry.addr, "big") >> shift << shift).to_bytes(limit // 8, "big")
        route = Route(NET, net, entry.plen, entry.port, src=entry.addr, mtu=mtu)
        path.add_route(route, quiet=True)
    if limit == 128:
        path.solicit6(path.settings.master, entry.port, entry.addr, ANY6)
    return path.take()


def remove_address(path: DataPath, port: int, addr: bytes, plen: int) -> None:
    """Remove an address with its routes."""
    entry = path.addresses.remove(port, addr, plen)
    limit = len(addr) * 8
    if limit == 128:
        _leave(path, entry)
    path.say_each("IFA", f"ifa_free: del ifaddr {address_text(addr)}")
    path.remove_route(LOCAL, addr, limit, port, quiet=True)
    if entry.plen < limit:
        path.remove_route(NET, addr, entry.plen, port, quiet=True)


def join(path: DataPath, port: Port, group: bytes) -> None:
    """Listen to an IPv6 multicast group; once is enough."""
    if group not in port.groups:
        port.groups.insert(0, group)
        path.say_each("IFA", f"idev_mc_add: create and add mcaddr {address_text(group)}")
        _groups_changed(path, port)


def _groups_changed(path: DataPath, port: Port) -> None:
    text = f"{port.name}: configuring {len(port.groups)} multicast hw-addrs"
    path.say("DEBUG", "NETIF", text)
    if not port.is_software:
        return
    if path.version.late_groups:
        text = f"{port.name}: rte_eth_dev_set_mc_addr_list failed -- Operation not supported"
        path.say("WARNING", "NETIF", f"{text},enable all multicast")
        return
    text = "rte_eth_dev_set_mc_addr_list is not supported, enable all multicast."
    for _ in range(2):
        path.say("WARNING", "NETIF", f"dpdk_set_mc_list: {text}")


def _leave(path: DataPath, entry: IfAddr) -> None:
    """Leave the address's multicast group, unless another address needs it."""
    group = solicited_node(entry.addr)
    port = path.ports[entry.port]
    others = (other.addr for other in path.addresses.of_port(entry.port) if len(other.addr) == 16)
    if group in port.groups and all(solicited_node(other) != group for other in others):
        port.groups.remove(group)
        path.say_each("IFA", f"imc_put: del mcaddr {address_text(group)}")
        _groups_changed(path, port)
