"""NIC names, MACs, PCI addresses, models and speeds (deployment guide, 1.1.1, 1.1.3)."""

from __future__ import annotations

from dpvs_acceptance.testbed import Link, LoadBalancer, links
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported
from fixtures.checks import for_each, requirement


@requirement("S03", core=True)
def test_the_nic_map_matches_the_bench(lb: LoadBalancer) -> None:
    """Steps: read name, MAC and PCI address of each NIC from the snapshot before the bring-up.

    Verify: those of every NIC of the bench belong together there. A NIC that was bound before the
    run has no name; then the MAC of its port is compared.
    """
    wrong = []
    for port in lb.deployment.nic_ports:
        seen = lb.before.net_devices.get(port.nic.name)
        if seen is None and port.nic.pci and port.nic.pci in lb.before.pci_devices:
            link = lb.state.link(port.name)
            if link.mac != port.nic.mac:
                wrong.append(
                    f"{port.name} ({port.nic.pci}): MAC {port.nic.mac} expected, {link.mac} seen"
                )
            continue
        if seen is None:
            wrong.append(f"{port.nic.name}: no such interface and no device {port.nic.pci}")
            continue
        wanted = (port.nic.mac, port.nic.pci)
        found = (seen.mac, seen.pci if port.nic.pci else None)
        if wanted != found:
            wrong.append(f"{port.nic.name}: expected MAC and PCI {wanted}, seen {found}")
    assert not wrong, "NICs differ from the bench: " + "\n".join(wrong)


@requirement("S03", core=True)
def test_each_port_has_the_nic_of_the_bench(lb: LoadBalancer) -> None:
    """Steps: read the ports' MACs. Verify: each link's port is its own NIC (#815, #959)."""
    swapped = [
        f"{port.name} should be {port.nic.name}, {port.nic.mac}: seen {mac}"
        for port in lb.deployment.nic_ports
        if (mac := lb.state.link(port.name).mac) != port.nic.mac
    ]
    assert not swapped, "ports are not the NICs expected: " + "\n".join(swapped)


@requirement("S04")
def test_nics_have_the_model_of_the_bench(lb: LoadBalancer) -> None:
    """Steps: read vendor and device of each NIC. Verify: they are the bench's."""
    nics = [nic for nic in lb.bench.dut.nics if nic.pci and nic.model]
    if not nics:
        raise NotSupported("the bench's NICs are software ports: they have no PCI model")
    wrong = []
    for nic in nics:
        seen = lb.state.pci_devices.get(nic.pci or "")
        if seen is None or seen.model != nic.model:
            wrong.append(
                f"{nic.pci}: expected {nic.model}, seen {seen.model if seen else 'nothing'}"
            )
    assert not wrong, "NIC models differ from the bench: " + "\n".join(wrong)


@requirement("S04", core=True)
@for_each(link=links)
def test_the_link_speed_is_that_of_the_bench(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip link show`. Verify: speed of the link's port."""
    seen = lb.state.link(link.port.name).speed_mbps
    if link.port.speed is None:
        raise NotApplicable(f"the bench gives {link.port.nic.name} no speed; DPVS says {seen}")
    if seen is None:
        raise NotSupported(
            f"the driver of {link.port.name} does not report a speed (dpip: -1 Mbps); "
            "the bench can say so: `speed: null`"
        )
    assert seen == link.port.speed, (
        f"{link.port.name} ({link}): {link.port.speed} Mbps expected, {seen} seen"
    )
