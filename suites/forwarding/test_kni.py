"""kni devices reach their neighbours (deployment guide, 2.4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import KNI, Family, Link, LoadBalancer, families, links
from dpvs_acceptance.traffic import timeouts
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.checks import for_each, needs, requirement


@requirement("S24", "kni", core=True)
@pytest.mark.traffic
@needs(KNI)
@for_each(link=links, family=families)
def test_each_kni_reaches_its_neighbours(lb: LoadBalancer, link: Link, family: Family) -> None:
    """Steps: ping from the DUT, by the kni's address, every machine on the link.

    Verify: each answers.
    """
    kni = link.declared.kni
    if kni is None:
        raise NotApplicable(f"the topology declares no kni on {link}")
    source = kni.of(family.version)
    machines = {**lb.topology.clients, **lb.topology.real_servers}.values()
    targets = [one.of(family.version) for one in machines if one.link == link.name]
    targets = [target for target in targets if target is not None]
    if source is None or not targets:
        raise NotApplicable(f"{link} has no kni address or no neighbour for {family}")
    ping = f"ping -{family.version} -c 2 -i 0.2 -w {timeouts.seconds(4.0):.0f} -I {source}"
    pings = "\n".join(f'{{ said=$({ping} {t} 2>&1) || echo "{t}: $said"; }} &' for t in targets)
    printed = lb.shell.run(f"{pings}\nwait").stdout
    silent = [line for line in printed.splitlines() if line.strip()]
    assert not silent, f"{link.port.kni} ({source}) does not reach " + "\n".join(silent)
