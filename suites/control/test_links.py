"""Ports and their kni devices (deployment guide, 2.4)."""

from __future__ import annotations

from dpvs_acceptance.testbed import KNI, Link, LoadBalancer, links
from fixtures.checks import for_each, needs, requirement


@requirement("S23", core=True)
@for_each(link=links)
def test_each_link_is_up(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip link show`. Verify: up, full duplex, speed, MTU and MAC of the link's port.

    Where the driver does not know the speed (virtio, VF), what it says of the duplex means nothing.
    """
    port, shown = link.port, lb.state.link(link.port.name)
    unknown = None in (port.speed, shown.speed_mbps)
    duplex, speed = (shown.duplex, shown.speed_mbps) if unknown else ("full-duplex", port.speed)
    seen = (shown.status, shown.duplex, shown.speed_mbps, shown.mtu, shown.mac)
    wanted = ("UP", duplex, speed, link.declared.mtu, port.nic.mac)
    assert seen == wanted, (
        f"{link.port.name} ({link}): state, duplex, Mbps, MTU, MAC {wanted} expected, seen {seen}"
    )


@requirement("S24", "kni", core=True)
@needs(KNI)
@for_each(link=links)
def test_each_kni_is_up_with_its_mac_and_addresses(lb: LoadBalancer, link: Link) -> None:
    """Steps: `ip addr` on the DUT. Verify: the kni has its port's MAC; one that the topology
    declares is up, with carrier and its addresses."""
    name, mac = link.port.kni, link.port.nic.mac
    device = lb.state.net_devices.get(name)
    assert device is not None, f"{name} does not exist on the DUT"
    assert device.mac == mac, f"{name}: MAC {mac} expected, seen {device.mac}"
    kni = link.declared.kni
    if kni is None:
        return  # the bring-up left it down
    assert device.up, f"{name} is down"
    assert device.carrier, f"{name} has no carrier"
    wanted = {str(address) for address in kni.both}
    seen = {str(one.ip) for one in lb.state.interface_addresses.get(link.kni_device, ())}
    assert wanted <= seen, (
        f"{link.kni_device}: addresses {sorted(wanted)} expected, seen {sorted(seen)}"
    )
