"""The text of a bench file from what its hosts said: commented, with what a person must fill in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.bringup.found import FoundDut, FoundNic
from dpvs_acceptance.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Chosen:
    """What only a person knows, or has chosen among what was found.

    links: NIC of the DUT to link of the topology. interfaces: client or real server to its tested
    interface; several where it is not known which. hosts: role to ssh name.
    """

    name: str
    hosts: Mapping[str, str]
    links: Mapping[str, str]
    interfaces: Mapping[str, Sequence[str]]
    version: str | None
    home: str
    sudo: bool = False
    ssh_config: str | None = None


def bench_text(found: FoundDut, chosen: Chosen, topology: Topology) -> tuple[str, list[str]]:
    """The file, and a sentence for each thing that is still to be filled in."""
    missing: list[str] = []
    lines = [
        "# yaml-language-server: $schema=bench.schema.json",
        "# Written by `python -m dpvs_acceptance bench init`, which changed nothing on the hosts.",
        f"name: {chosen.name}",
        "kind: hardware",
    ]
    if chosen.ssh_config:
        lines.append(f"ssh_config: {_quoted(chosen.ssh_config)}")
    lines += ["", *_dut(found, chosen, topology, missing)]
    lines += ["", "# The interface is the one on the tested link, never the one that ssh uses."]
    for section, machines in (
        ("clients", topology.clients),
        ("real_servers", topology.real_servers),
    ):
        here = [role for role in machines if role in chosen.hosts]
        lines += [f"{section}:" if here else f"{section}: {{}}"]
        for role in here:
            lines += _machine(role, chosen, missing)
            if section == "clients":
                lines.append(f"    link: {machines[role].link}")
            else:
                lines += [
                    "    # The readers of the client's address, where they are on this host:",
                    "    # toa: {module: /opt/toa/toa.ko, name: toa}",
                    "    # uoa: {module: /opt/toa/uoa.ko, name: uoa}",
                ]
            lines.append(
                "    # crafted_address: a free address of the link, for connections that are "
                "crafted past the kernel"
            )
        missing += [
            f"{section}: no host for {role} of topology {topology.name}: --"
            f"{'client' if section == 'clients' else 'rs'}=SSHNAME"
            for role in machines
            if role not in chosen.hosts
        ]
    return "\n".join(lines) + "\n", missing


def _dut(found: FoundDut, chosen: Chosen, topology: Topology, missing: list[str]) -> list[str]:
    version = chosen.version
    if version is None:
        missing.append(
            "dut.dpvs.version: what `dpvs -v` prints, such as 1.9-10: --version=… (1.10-2 is a "
            "placeholder)"
        )
    master, *workers = found.cpus if len(found.cpus) > 1 else (*found.cpus, *found.cpus)
    lines = [
        "dut:",
        f"  host: {_quoted(chosen.hosts['dut'])}",
        *(["  sudo: true"] if chosen.sudo else []),
        f"  machine_id: {_quoted(found.machine_id)}  # the run refuses another machine",
        "  dpvs:",
        f"    home: {chosen.home}  # has bin/dpvs, bin/dpip, bin/ipvsadm, bin/keepalived",
        f"    version: {_quoted(version or '1.10-2')}  # as printed by `dpvs -v`",
    ]
    if found.devbind:
        lines.append(f"    devbind: {found.devbind}")
    if found.modules_dir:
        lines.append(f"    modules_dir: {found.modules_dir}  # igb_uio.ko, rte_kni.ko")
    lines += [
        "  # CPUs of one NUMA node, one thread of a core each. One receive queue per worker.",
        "  lcores:",
        f"    master: {{id: 0, cpus: [{master}]}}",
        "    workers:",
        *(f"      - {{id: {n}, cpus: [{cpu}]}}" for n, cpu in enumerate(workers, 1)),
        f"  numa_nodes: {list(found.numa_nodes)}",
        f"  hugepages_per_node: {found.hugepages_per_node}  # of 2 MiB; half of what is free",
        "  nics:",
    ]
    free = [nic for nic in found.nics if not nic.why_not]
    for nic in free:
        link = chosen.links.get(nic.name)
        block = _nic(nic, link)
        # DPVS takes every NIC of the list, on a link or not: only those that were chosen are in it.
        lines += block if link else [line.replace("    ", "    # ", 1) for line in block]
    for nic in found.nics:
        if nic.why_not:
            lines.append(f"    # left out: {nic.name} ({nic.pci}): {nic.why_not}")
    if not free:
        missing.append("dut.nics: every NIC of the DUT is left out; the reasons are in the file")
    missing += [
        f"dut.nics: which NIC is on link {link}? --link=NIC:{link}, of "
        f"{', '.join(nic.name for nic in free) or 'none'}"
        for link in topology.links
        if link not in chosen.links.values()
    ]
    return lines


def _nic(nic: FoundNic, link: str | None) -> list[str]:
    lines = [
        f"    - name: {nic.name}",
        f"      mac: {_quoted(nic.mac)}",
        f"      pci: {_quoted(nic.pci)}",
        f"      model: {_quoted(nic.model)}",
        f"      kernel_driver: {nic.kernel_driver}  # bound again by the undo",
        f"      dpdk_driver: {nic.dpdk_driver}",
        f"      speed: {nic.speed or 'null  # the driver does not say, or the link is down'}",
        f"      numa_node: {nic.numa_node}",
        f"      link: {link or 'LINK  # DPVS takes the NIC if these lines are no comments'}",
    ]
    if nic.in_use:
        lines += [
            f"      # It has {nic.in_use}. The run stops, unless it may give that up:",
            "      # give_up_address: true",
        ]
    return lines


def _machine(role: str, chosen: Chosen, missing: list[str]) -> list[str]:
    interfaces = chosen.interfaces.get(role, ())
    if len(interfaces) != 1:
        missing.append(
            f"{role}: which interface is on the tested link? --interface={role}:NAME, of "
            f"{', '.join(interfaces) or 'none that ssh does not use'}"
        )
    name = interfaces[0] if interfaces else "eth1"
    return [f"  {role}:", f"    host: {_quoted(chosen.hosts[role])}", f"    interface: {name}"]


def _quoted(text: str) -> str:
    return json.dumps(text)
