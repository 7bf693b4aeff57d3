"""Messages to the wire: its rules, and the addresses of the deployment (softlab/wire)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from dpvs_acceptance.model.deployment import Deployment
from faults.model import Fault
from softlab.wire.rule import Rule, to_json, watching

ASK_HITS = '{"hits": true}\n'
"""How many frames each rule was about: the answer is a list, in the rules' order."""


def watched(faults: Iterable[Fault]) -> tuple[Rule, ...]:
    """Rules that only count what generated faults are about, each once."""
    rules = (watching(rule) for fault in faults if fault.generated for rule in fault.wire)
    return tuple(dict.fromkeys(rules))


def message(rules: Sequence[Rule], deployment: Deployment) -> str:
    """One line of JSON that has these rules in force, and no others."""
    asked = {"rules": [to_json(rule) for rule in rules], "addresses": addresses(deployment)}
    return json.dumps(asked) + "\n"


def addresses(deployment: Deployment) -> dict[str, Any]:
    """JSON values of softlab.wire.addresses.Addresses."""
    topology, bench = deployment.topology, deployment.bench
    found: dict[str, list[str]] = {}
    links = {deployment.device(link): link for link in topology.links}
    for one in deployment.addresses:
        found.setdefault(links[one.port], []).append(str(one.address))
    kni = [link.kni for link in topology.links.values() if link.kni is not None]
    return {
        "macs": {port.link: port.nic.mac for port in deployment.ports if port.link is not None},
        "addresses": found,
        "vips": [str(one.address) for one in deployment.addresses if one.use == "vip"],
        "lips": [str(one.address) for one in deployment.addresses if one.use == "lip"],
        "own": _texts(address for one in kni for address in (one.address, one.address6)),
        "clients": {
            name: _texts(
                (one.address, one.address6, machine.crafted_address, machine.crafted_address6)
            )
            for name, one in topology.clients.items()
            for machine in (bench.clients[name],)
        },
        "servers": {
            name: _texts(
                (one.address, one.address6, machine.crafted_address, machine.crafted_address6)
            )
            for name, one in topology.real_servers.items()
            for machine in (bench.real_servers[name],)
        },
    }


def _texts(addresses: Iterable[object | None]) -> list[str]:
    return [str(one) for one in addresses if one is not None]
