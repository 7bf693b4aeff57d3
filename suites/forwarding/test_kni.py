"""kni devices reach their neighbours (seed 2.4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic import timeouts
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported

pytestmark = [pytest.mark.requirement("S24", "kni"), pytest.mark.traffic]


@pytest.mark.parametrize("version", [4, 6])
def test_each_kni_reaches_its_neighbours(
    hosts: dict[str, Host],
    dut: DutState,
    deployment: Deployment,
    facts: VersionFacts,
    link_name: str,
    version: int,
) -> None:
    """Steps: ping from the DUT, by the kni's address, every machine that is on the link.

    Verify: each answers.
    """
    link = deployment.topology.links[link_name]
    if link.kni is None:
        raise NotApplicable(f"the topology declares no kni on {link_name}")
    if not deployment.kni:
        raise NotSupported(dut.kni_probe(facts))
    source = link.kni.address6 if version == 6 else link.kni.address
    machines = {**deployment.topology.clients, **deployment.topology.real_servers}
    targets = [
        address
        for machine in machines.values()
        if machine.link == link_name
        for address in machine.both
        if address.version == version
    ]
    if source is None or not targets:
        raise NotApplicable(f"{link_name} has no kni address or no neighbour for IPv{version}")
    ping = f"ping -{version} -c 2 -i 0.2 -w {timeouts.seconds(4.0):.0f} -I {source}"
    asked = "\n".join(f'{{ said=$({ping} {t} 2>&1) || echo "{t}: $said"; }} &' for t in targets)
    said = hosts["dut"].run(f"{asked}\nwait").stdout
    silent = [line for line in said.splitlines() if line.strip()]
    port = deployment.port(link_name)
    assert not silent, f"{port.kni} ({source}) does not reach " + "\n".join(silent)
