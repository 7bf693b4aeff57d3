"""Ports and lcores, as `dpip link` shows and sets them (DPI-01 to DPI-06)."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.dpvs.dpip import DpvsPort, parse_lcores, parse_links
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import NotSupported, NotTested
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator

SECONDS = 5.0
ECHOES = 5


@pytest.mark.requirement("DPI-01")
def test_a_port_is_shown_in_each_detail(
    operator: Operator, deployment: Deployment, link_name: str
) -> None:
    """Steps: `dpip link show DEV`, with -s, with -v, with both.

    Verify: the same port each time; counters only with -s, the driver's view and the queues of
    each worker only with -v.
    """
    port = deployment.port(link_name)
    plain, counted, detailed, both = (
        _one_link(operator, f"dpip {options}link show {port.name}")
        for options in ("", "-s ", "-v ", "-s -v ")
    )
    for link in (plain, counted, detailed, both):
        seen = (link.name, link.mac, link.mtu, link.flags)
        assert seen == (port.name, port.nic.mac, plain.mtu, plain.flags), f"another port: {seen}"
    shown = [(bool(one.stats), bool(one.verbose)) for one in (plain, counted, detailed, both)]
    wanted = [(False, False), (True, False), (False, True), (True, True)]
    assert shown == wanted, mismatch(
        "counters and details with no option, -s, -v, both", expected=wanted, seen=shown
    )
    assert both.verbose is not None
    queues = {(queue.queue, queue.rx_cpu, queue.tx_cpu) for queue in both.verbose.queues}
    served = {(w.queue, w.lcore.id, w.lcore.id) for w in deployment.workers}
    assert queues == served, mismatch("queues (number, rx, tx lcore)", expected=served, seen=queues)


@pytest.mark.requirement("DPI-01", "DPI-02", "DPI-04")
def test_what_is_no_port_and_no_setting_is_refused(operator: Operator) -> None:
    """Steps: show and set ports, lcores and settings that do not exist.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    port = operator.port
    operator.refuses("command that is none", "dpip link nothing")
    operator.refuses("link show, no such device", "dpip link show dpdk99")
    operator.refuses("link show, no such lcore", "dpip link show cpu99")
    operator.refuses("link set, no such device", "dpip link set dpdk99 promisc on")
    operator.refuses("link set, bad value", f"dpip link set {port} promisc perhaps")
    operator.refuses("link set, bad item", f"dpip link set {port} nothing on")


@pytest.mark.requirement("DPI-02")
def test_an_lcore_is_shown_in_each_detail(operator: Operator, deployment: Deployment) -> None:
    """Steps: `dpip link show cpu`, and each worker by its name, with and without -s.

    Verify: the master polls nothing, each worker its queue of every port; counters only with -s,
    and its loop goes on between two readings.
    """
    lcores = {one.cpu: one for one in parse_lcores(operator.ask("dpip link show cpu").stdout)}
    master = deployment.bench.dut.lcores.master.id
    assert lcores[master].plane == "control", f"lcore {master} is {lcores[master].plane}"
    assert not lcores[master].queues, f"the master polls {lcores[master].queues}"
    for worker in deployment.workers:
        assert lcores[worker.lcore.id].plane == "data", f"{worker.name} is no worker"
        command = f"dpip -s link show {worker.name}"
        (first,), (second,) = (parse_lcores(operator.ask(command).stdout) for _ in range(2))
        for port in deployment.ports:
            assert first.serves(port.name, "rx") == (worker.queue,), f"{worker.name}: {first}"
        assert lcores[worker.lcore.id].stats is None, "counters without -s"
        loops = [one.stats.lcore_loop for one in (first, second) if one.stats]
        assert len(loops) == 2, f"`{command}` shows no counters"
        assert loops[0] < loops[1], f"{worker.name} stands still: lcore_loop {loops}"


@pytest.mark.requirement("DPI-03")
def test_counters_of_ports_and_lcores_are_set_to_zero(operator: Operator) -> None:
    """Steps: what `dpip link help` names to set. Verify: counters can be set to zero by it.

    No version has had a command for it so far: its own help is the probe.
    """
    told = operator.ask("dpip link help").words
    items = told[told.find("link set") :]
    if not any(word in items for word in ("zero", "reset", "clear")):
        shown = " ".join(items.split())
        raise NotSupported(f"`dpip link help` names nothing that sets counters to zero: {shown}")
    raise AssertionError(f"`dpip link help` has a command that this check does not know: {items}")


@pytest.mark.requirement("DPI-04")
def test_promiscuous_mode_is_switched_on_and_off(operator: Operator) -> None:
    """Steps: `dpip link set DEV promisc on`, then off. Verify: the flag comes and goes."""
    _switched(operator, "promisc", "promisc")


@pytest.mark.requirement("DPI-05")
def test_forward2kni_is_switched_on_and_off(operator: Operator) -> None:
    """Steps: `dpip link set DEV forward2kni on`, then off. Verify: the flag comes and goes."""
    _switched(operator, "forward2kni", "foward2kni")


@pytest.mark.requirement("DPI-05")
@pytest.mark.traffic
def test_forward2kni_copies_what_a_port_receives(
    operator: Operator,
    hosts: dict[str, Host],
    dut: DutState,
    deployment: Deployment,
    scene: Scene,
    one_vip4: str,
) -> None:
    """Steps: the packets that a kni has received, around 5 echoes to the VIP; with it off, with it
    on.

    Verify: the VIP answers both times; only with it on does the kernel see the echoes.
    """
    if not deployment.kni:
        raise NotSupported(dut.kni_probe(scene.facts))
    topology = deployment.topology
    link = next(name for name, vips in topology.vips.items() if one_vip4 in map(str, vips))
    port, client = deployment.port(link), next(iter(topology.vip_clients))
    if topology.links[link].kni is None:
        raise NotTested(f"links.{link}: no kni: {port.kni} is not up, and takes nothing")

    def received_by_the_kernel() -> int:
        counter = f"cat /sys/class/net/{port.kni}/statistics/rx_packets"
        before = int(hosts["dut"].run(counter).stdout)
        mac = scene.next_hop(client, one_vip4)
        answered = ping(scene.stations[client], one_vip4, mac=mac, count=ECHOES)
        assert not answered.problems, "\n".join(answered.problems)
        return int(hosts["dut"].run(counter).stdout) - before

    assert (seen := received_by_the_kernel()) < ECHOES, f"{seen} packets, though it is off"
    off = f"dpip link set {port.name} forward2kni off"
    operator.does(f"dpip link set {port.name} forward2kni on", undo=off)
    seen = received_by_the_kernel()
    assert seen >= ECHOES, f"{port.kni} received {seen} packets, {ECHOES} echoes came in"


@pytest.mark.requirement("DPI-06")
def test_a_link_is_set_down_and_up(operator: Operator) -> None:
    """Steps: `dpip link set DEV link down`, then up; on a port without a link, if there is one.

    Verify: `dpip link show` says DOWN, then UP, within 5 s. Not every driver can.
    """
    up = f"dpip link set {operator.port} link up"
    assert _status(operator, "UP") == "UP", f"{operator.port} is not up to begin with"
    operator.does(f"dpip link set {operator.port} link down", undo=up)
    if _status(operator, "DOWN") != "DOWN":
        link = _one_link(operator, f"dpip -v link show {operator.port}")
        driver = link.verbose.info.driver_name if link.verbose else "unknown"
        raise NotSupported(
            f"`dpip link set {operator.port} link down` ends with 0, and `dpip link show` still "
            f"says UP; its driver is {driver}"
        )
    operator.does(up, undo=OWN)
    assert _status(operator, "UP") == "UP", f"{operator.port} does not come up again"


def _one_link(operator: Operator, command: str) -> DpvsPort:
    answer = operator.ask(command)
    assert not answer.exit_status, f"`{command}`: {answer.shown}"
    (link,) = parse_links(answer.stdout, command)
    return link


def _switched(operator: Operator, item: str, flag: str) -> None:
    show = f"dpip link show {operator.port}"
    off = f"dpip link set {operator.port} {item} off"
    assert flag not in _one_link(operator, show).flags, f"{flag} is on to begin with"
    operator.does(f"dpip link set {operator.port} {item} on", undo=off)
    flags = _one_link(operator, show).flags
    assert flag in flags, f"{item} is on, and {show} shows {flags}"
    operator.does(off, undo=OWN)
    flags = _one_link(operator, show).flags
    assert flag not in flags, f"{item} is off again, and {show} shows {flags}"


def _status(operator: Operator, wanted: str) -> str | None:
    """The port's state; waits for `wanted` for 5 s."""
    end = time.monotonic() + SECONDS
    while True:
        seen = _one_link(operator, f"dpip link show {operator.port}").status
        if seen == wanted or time.monotonic() > end:
            return seen
