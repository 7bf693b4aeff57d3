"""VLAN devices on DPVS's ports, and the kni of each (DEV-04, DEV-12)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import VlanDevice, parse_vlans
from dpvs_acceptance.testbed import KNI, Client, Link, LoadBalancer, Vip, links, vips
from fixtures.checks import for_each, needs, requirement

COUNT = 5

vlans = links.having(vlan=True)


@requirement("DEV-04")
@for_each(link=vlans)
def test_each_vlan_is_on_its_port_and_up(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip vlan show`, `dpip link show`.

    Verify: the device has the declared port, protocol and id; it is up, with the port's MAC.
    """
    port = link.port
    answer = lb.query(f"dpip vlan show link {port.name}")
    # Only this table is printed on stderr.
    seen = parse_vlans(answer.words, answer.command)
    wanted = VlanDevice(link.device, port.name, "802.1q", link.declared.vlan or 0)
    assert seen == (wanted,), f"VLANs on {port.name}: {wanted} expected, {seen or 'none'} seen"
    shown = lb.state.link(link.device)
    assert (shown.status, shown.mac) == ("UP", port.nic.mac), (
        f"{link.device}: UP with MAC {port.nic.mac} expected, {shown.status} with {shown.mac} seen"
    )


@requirement("DEV-04")
@pytest.mark.traffic
@for_each(vip=vips.having(vlan=True, client_on_link=True))
def test_a_vip_on_a_vlan_answers(client: Client, vip: Vip) -> None:
    """Steps: echo requests to the VIP from a client in the VLAN, behind a trunk that passes only
    this VLAN.

    Verify: each is answered once by the port, with right checksums and payload: both directions
    were tagged, or the trunk would not have passed them.
    """
    echoes = client.on_link(vip.link).ping(vip, count=COUNT, mac=vip.link.port.nic.mac)
    assert echoes.exact, echoes.report


@requirement("DEV-12")
@needs(KNI)
@for_each(link=vlans)
def test_each_vlan_has_its_own_kni(lb: LoadBalancer, link: Link) -> None:
    """Steps: `ip addr` on the DUT.

    Verify: the VLAN's kni exists besides the port's; it is up, with the port's MAC and its own
    addresses.
    """
    name, state = link.kni_device, lb.state
    device = state.net_devices.get(name)
    assert device is not None, f"{name} does not exist on the DUT"
    assert device.up, f"{name} is down"
    mac = link.port.nic.mac
    assert device.mac == mac, f"{name}: MAC {mac} expected, seen {device.mac}"
    wanted = {str(address) for address in (link.declared.kni.both if link.declared.kni else ())}
    seen = {str(address.ip) for address in state.interface_addresses.get(name, ())}
    assert wanted <= seen, f"{name}: addresses {sorted(wanted)} expected, seen {sorted(seen)}"
