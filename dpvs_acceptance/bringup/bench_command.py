"""`python -m dpvs_acceptance bench init --dut=… --client=… --rs=…`: a bench file from its hosts.

Reads the hosts by ssh and changes nothing on them. Exit status: 0 the file is complete, 1 something
is still to be filled in (it is written all the same), 2 a host cannot be reached or read, 3 wrong
usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dpvs_acceptance.bringup.bench_file import Chosen, bench_text
from dpvs_acceptance.bringup.found import FoundDut, found_dut, tested_interfaces
from dpvs_acceptance.dpvs.banners import parse_dpvs_version
from dpvs_acceptance.hosts import survey
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.connecting import close_all, connect_all
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.facts import FactError
from dpvs_acceptance.hosts.shell import sh
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError, take_all
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.site import SUITE
from dpvs_acceptance.model.topology import Topology, load_topology

INCOMPLETE, UNREACHED, USAGE = 1, 2, 3
_DUT = (
    *("machine_id", "net devices", "ssh session", "ip addr", "ip link", "ip -d link", "tunnels"),
    *("ovs", "pci net", "cpu", "numa", "tools", "modinfo"),
)
_PEER = ("net devices", "ssh session", "ip addr", "ip link", "ip -d link", "tunnels", "ovs")
_MODULES = ("igb_uio", "uio_pci_generic", "vfio_pci")
_BUILT = Read(
    "find /opt /usr/src /usr/local /root /home -xdev -maxdepth 7 -name igb_uio.ko 2>/dev/null | "
    "head -n 1; :",
    timeout=30.0,
)
TOPOLOGIES = SUITE / "topologies"
Ask = Callable[[str], str]


class _InitParser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> int:
    """`bench init`; its exit status."""
    options = _parsed(arguments)
    try:
        topology = load_topology(_topology_path(options.topology))
        hosts = _roles(options, topology)
        _known(options, topology, hosts)
        seen = _read(hosts, options)
        found = found_dut(seen["dut"])
        chosen = _chosen(options, topology, hosts, seen, found)
    except DeclarationError as error:
        print(error, file=sys.stderr)
        return USAGE
    except (HostError, SnapshotError, FactError) as error:
        print(error, file=sys.stderr)
        return UNREACHED
    text, missing = bench_text(found, chosen, topology)
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")
        print(f"written: {options.output}", file=sys.stderr)
    for sentence in missing:
        print(f"to be filled in: {sentence}", file=sys.stderr)
    if not missing and options.output is not None:
        name = "" if options.topology == "fnat-two-arm" else f" --topology={options.topology}"
        print(f"next: pytest --host={options.output}{name} --plan", file=sys.stderr)
    return INCOMPLETE if missing else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = _InitParser(prog="python -m dpvs_acceptance bench init")
    parser.add_argument("--dut", required=True, metavar="SSHNAME", help="the device under test")
    for option, what in (("--client", "a client"), ("--rs", "a real server")):
        parser.add_argument(
            option, action="append", default=[], metavar="SSHNAME", help=f"{what}; in order"
        )
    parser.add_argument("--topology", default="fnat-two-arm", help="a name or a file")
    parser.add_argument(
        "--link", action="append", default=[], type=_pair, metavar="NIC:LINK",
        help="which link of the topology a NIC of the DUT is plugged into",
    )  # fmt: skip
    parser.add_argument(
        "--interface", action="append", default=[], type=_pair, metavar="ROLE:NAME",
        help="the tested interface of a client or real server, such as client1:eth1",
    )  # fmt: skip
    parser.add_argument("--dpvs-home", metavar="DIR", help="where bin/dpvs is on the DUT")
    parser.add_argument("--version", metavar="V", help="of DPVS, as `dpvs -v` prints it")
    parser.add_argument("--name", help="of the bench (default: the DUT's ssh name)")
    parser.add_argument(
        "--sudo", action="store_true", help="ssh to the DUT does not log in as root"
    )
    parser.add_argument("--ssh-config", type=Path, metavar="FILE")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    options = parser.parse_args(arguments)
    if options.output is not None and options.output.exists():
        parser.error(f"{options.output} exists: remove it, or give another --output")
    return options


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.rpartition(":")
    if not (colon and first and second):
        raise argparse.ArgumentTypeError(f"{text!r} is no pair such as eth2:lan")
    return first, second


def _topology_path(name: str) -> Path:
    """A file, or a name in the folder `topologies` of this repository or of the suite."""
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    own = Path("topologies") / f"{name}.yaml"
    return own if own.is_file() else TOPOLOGIES / f"{name}.yaml"


def _roles(options: argparse.Namespace, topology: Topology) -> dict[str, str]:
    """ssh names by role: clients and real servers in the topology's order."""
    hosts = {"dut": options.dut}
    for given, roles, what in (
        (options.client, topology.clients, "clients"),
        (options.rs, topology.real_servers, "real servers"),
    ):
        if len(given) > len(roles):
            raise DeclarationError(
                f"topology {topology.name} has {len(roles)} {what}, {len(given)} were given"
            )
        hosts |= dict(zip(roles, given, strict=False))
    if len({*hosts.values()}) < len(hosts):
        raise DeclarationError("a host was given twice")
    return hosts


def _known(options: argparse.Namespace, topology: Topology, hosts: Mapping[str, str]) -> None:
    for nic, link in options.link:
        if link not in topology.links:
            names = ", ".join(topology.links)
            raise DeclarationError(f"--link={nic}:{link}: topology {topology.name} has {names}")
    for role, name in options.interface:
        if role not in hosts or role == "dut":
            raise DeclarationError(f"--interface={role}:{name}: no host was given for {role}")


def _read(hosts: Mapping[str, str], options: argparse.Namespace) -> dict[str, Snapshot]:
    connected = connect_all(hosts, options.ssh_config, sudo=("dut",) if options.sudo else ())
    try:
        wanted = {}
        for role, host in connected.items():
            every = survey.client()
            names: Sequence[str] = _PEER
            if role == "dut":
                every = {**survey.dut(survey.DutPaths(modules=_MODULES)), "built modules": _BUILT}
                names = (*_DUT, "built modules")
            wanted[host] = {name: every[name] for name in names}
        taken = take_all(wanted)
        options.version = options.version or _version(connected["dut"], taken["dut"], options)
        return taken
    finally:
        close_all(connected)


def _version(dut: Host, seen: Snapshot, options: argparse.Namespace) -> str | None:
    home = options.dpvs_home or found_dut(seen).home or "/opt/dpvs"
    said = dut.run(f"{sh('{}', home + '/bin/dpvs')} -v 2>&1")
    try:
        return str(parse_dpvs_version(said.stdout).version) if said.ok else None
    except ValueError:
        return None


def _chosen(
    options: argparse.Namespace,
    topology: Topology,
    hosts: Mapping[str, str],
    seen: Mapping[str, Snapshot],
    found: FoundDut,
) -> Chosen:
    """What was given, and for the rest the answers of the person at the terminal."""
    links = dict(options.link)
    free = {nic.name: nic for nic in found.nics if not nic.why_not}
    for nic, link in links.items():
        if nic not in free:
            raise DeclarationError(
                f"--link={nic}:{link}: the DUT's NICs for DPVS are {', '.join(free) or 'none'}"
            )
    interfaces = {role: tested_interfaces(one) for role, one in seen.items() if role != "dut"}
    interfaces |= {role: (name,) for role, name in options.interface}
    if sys.stdin.isatty():
        for link in topology.links:
            left = [name for name in free if name not in links]
            if link not in links.values() and left:
                answer = _ask(f"which NIC is on link {link}? ({', '.join(left)})", left)
                links |= {answer: link} if answer else {}
        for role, names in interfaces.items():
            if len(names) > 1:
                answer = _ask(f"{role}: which interface is tested? ({', '.join(names)})", names)
                interfaces[role] = (answer,) if answer else names
    name = options.name or "".join(
        letter if letter.isalnum() else "-" for letter in options.dut.lower()
    ).strip("-")
    return Chosen(
        name=name if name[:1].isalpha() else f"bench-{name}",
        hosts=hosts,
        links=links,
        interfaces=interfaces,
        version=options.version,
        home=options.dpvs_home or found.home or "/opt/dpvs",
        sudo=options.sudo,
        ssh_config=None if options.ssh_config is None else str(options.ssh_config.resolve()),
    )


def _ask(question: str, among: Sequence[str]) -> str:
    """An answer that is one of these, or empty: left open."""
    while True:
        print(f"{question} [Enter: later] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip()
        if answer in ("", *among):
            return answer
