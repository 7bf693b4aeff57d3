"""Brings the article's topology up on one device of the software lab, and records it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dpvs_acceptance.bringup.plan import make_plan
from dpvs_acceptance.bringup.runner import BringUp
from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.hosts.connecting import close_all, connect_all
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode
from dpvs_acceptance.model.bench import (
    Bench,
    ClientHost,
    LcorePlacement,
    Lcores,
    ServerHost,
    load_bench,
)
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.traffic.flows import Flows
from dpvs_acceptance.traffic.frame import Frame
from dpvs_acceptance.traffic.http import curl_many
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.udp import exchange
from fixtures.lab import running_lab
from fixtures.options import Options
from recordings.commands import COMMANDS

CLIENT = "client1"


@dataclass(frozen=True, slots=True)
class Recording:
    """What one device said and sent. texts: as kept in files. frames: by flow and host."""

    version: str
    texts: dict[str, str]
    frames: dict[str, list[Frame]]


def record(topology: Topology, home: Path | None, version: str) -> Recording:
    """One device: the build at `home`, or the simulated DPVS as `version`.

    The simulated one is given the build's shape: two ports, one worker, no kni.
    """
    options = Options(
        topology=topology,
        bench=None,
        attach=False,
        plan=False,
        dpvs_home=home,
        dpvs_version=version,
    )
    with ExitStack() as stack:
        bench = _two_arms(load_bench(stack.enter_context(running_lab(options))))
        deployment = deploy(topology, bench, kni=False)
        hosts = connect_all(bench.hosts, bench.ssh_config_path)
        stack.callback(close_all, hosts)
        gates = {
            role: WriteGate(host, WriteMode.WRITABLE, run="recording")
            for role, host in hosts.items()
        }
        bring_up = BringUp(gates)
        known = facts(Version.parse(bench.dut.dpvs.version))
        plan = make_plan(deployment, known)
        if home is None and not known.has_keyword("global_defs/kni"):
            # This version always makes kni devices; those of a build are left out of the plan too.
            hosts["dut"].run(f"insmod {bench.dut.dpvs.modules_dir}/rte_kni.ko carrier=on")
        # What is left of a lab ends with it, so nothing has to be undone here.
        bring_up.carry_out(plan)
        bring_up.load_readers(plan)
        machines: dict[str, ClientHost | ServerHost] = {CLIENT: bench.clients[CLIENT]}
        machines |= bench.real_servers
        stations = {
            name: stack.enter_context(Station.start(hosts[name], machine.interface))
            for name, machine in machines.items()
        }
        scene = Scene(deployment, known, stations)
        frames = _flows(scene, hosts)
        return Recording(str(known.version), _texts(hosts["dut"]), frames)


def _two_arms(bench: Bench) -> Bench:
    linked = tuple(nic for nic in bench.dut.nics if nic.link is not None)
    cpus = bench.dut.lcores.workers[-1].cpus
    lcores = Lcores(
        master=LcorePlacement(id=0, cpus=cpus), workers=(LcorePlacement(id=1, cpus=cpus),)
    )
    dut = bench.dut.model_copy(update={"nics": linked, "lcores": lcores})
    return bench.model_copy(update={"dut": dut})


def _flows(scene: Scene, hosts: dict[str, Host]) -> dict[str, list[Frame]]:
    """A ping, an HTTP request over each family, and datagrams with UOA, on both sides."""
    found: dict[str, list[Frame]] = {}
    topology = scene.deployment.topology
    web = topology.service("web")
    result = ping(
        scene.stations[CLIENT], str(web.vip), mac=scene.next_hop(CLIENT, str(web.vip)), count=3
    )
    found["icmp-client"] = list(result.frames)
    for name in ("web", "web6"):
        service = topology.service(name)
        vip = f"[{service.vip}]" if service.vip.version == 6 else str(service.vip)
        with scene.watch(CLIENT) as watch:
            curl_many(hosts[CLIENT], f"http://{vip}:{service.port}/", 1)
            watch.settle(scene.vip(service))
        found |= {f"{name}-{side}": list(c.frames) for side, c in watch.captures.items()}
    with scene.watch(CLIENT) as watch:
        tags = Flows()
        payloads = [tags.next().tag for _ in range(5)]
        exchange(scene.stations[CLIENT], scene.vip(topology.service("echo")), payloads)
    return found | {f"echo-{side}": list(c.frames) for side, c in watch.captures.items()}


def _texts(dut: Host) -> dict[str, str]:
    """Tools are called by their names, as an engineer does: some print how they were called."""
    texts = {}
    for name, command in COMMANDS.items():
        answer = dut.run(f"{command} 2>&1", timeout=15.0)
        texts[name] = f"$ {command}\n{answer.stdout}[exit {answer.exit_status}]\n"
    return texts
