"""Ports and lcores, as `dpip link` shows and sets them (DPI-01 to DPI-06)."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.dpvs.dpip import DpvsPort, parse_lcores, parse_links
from dpvs_acceptance.testbed import KNI, NO_UNDO, Client, Link, LoadBalancer, Vip, links, vips
from dpvs_acceptance.verdict.causes import NotApplicable, NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import for_each, needs, requirement

SECONDS = 5.0
ECHOES = 5


@requirement("DPI-01")
@for_each(link=links)
def test_a_port_is_shown_in_each_detail(lb: LoadBalancer, link: Link) -> None:
    """Steps: `dpip link show DEV`, with -s, with -v, with both.

    Verify: the same port each time; counters only with -s, the driver's view and the queues of
    each worker only with -v.
    """
    port = link.port
    plain, counted, detailed, both = (
        _one_link(lb, f"dpip {options}link show {port.name}")
        for options in ("", "-s ", "-v ", "-s -v ")
    )
    for one in (plain, counted, detailed, both):
        seen = (one.name, one.mac, one.mtu, one.flags)
        assert seen == (port.name, port.nic.mac, plain.mtu, plain.flags), f"another port: {seen}"
    shown = [(bool(one.stats), bool(one.verbose)) for one in (plain, counted, detailed, both)]
    wanted = [(False, False), (True, False), (False, True), (True, True)]
    assert shown == wanted, mismatch(
        "counters and details with no option, -s, -v, both", expected=wanted, seen=shown
    )
    assert both.verbose is not None
    queues = {(queue.queue, queue.rx_cpu, queue.tx_cpu) for queue in both.verbose.queues}
    served = {(w.queue, w.lcore.id, w.lcore.id) for w in lb.deployment.workers}
    assert queues == served, mismatch("queues (number, rx, tx lcore)", expected=served, seen=queues)


@requirement("DPI-01", "DPI-02", "DPI-04")
def test_invalid_ports_and_settings_are_refused(lb: LoadBalancer) -> None:
    """Steps: show and set ports, lcores and settings that do not exist.

    Verify: each command fails as in this version, and changes nothing.
    """
    port = lb.spare_port
    lb.refuses("command that is none", "dpip link nothing")
    lb.refuses("link show, no such device", "dpip link show dpdk99")
    lb.refuses("link show, no such lcore", "dpip link show cpu99")
    lb.refuses("link set, no such device", "dpip link set dpdk99 promisc on")
    lb.refuses("link set, bad value", f"dpip link set {port} promisc perhaps")
    lb.refuses("link set, bad item", f"dpip link set {port} nothing on")


@requirement("DPI-02")
def test_an_lcore_is_shown_in_each_detail(lb: LoadBalancer) -> None:
    """Steps: `dpip link show cpu`, and each worker by its name, with and without -s.

    Verify: the master polls nothing, each worker its queue of every port; counters only with -s,
    and its loop goes on between two readings.
    """
    lcores = {one.cpu: one for one in parse_lcores(lb.query("dpip link show cpu").stdout)}
    master = lb.deployment.bench.dut.lcores.master.id
    assert lcores[master].plane == "control", f"lcore {master} is {lcores[master].plane}"
    assert not lcores[master].queues, f"the master polls {lcores[master].queues}"
    for worker in lb.deployment.workers:
        assert lcores[worker.lcore.id].plane == "data", f"{worker.name} is no worker"
        command = f"dpip -s link show {worker.name}"
        (first,), (second,) = (parse_lcores(lb.query(command).stdout) for _ in range(2))
        for port in lb.deployment.ports:
            assert first.serves(port.name, "rx") == (worker.queue,), f"{worker.name}: {first}"
        assert lcores[worker.lcore.id].stats is None, "counters without -s"
        loops = [one.stats.lcore_loop for one in (first, second) if one.stats]
        assert len(loops) == 2, f"`{command}` shows no counters"
        assert loops[0] < loops[1], f"{worker.name} does not poll: lcore_loop {loops}"


@requirement("DPI-03")
def test_counters_of_ports_and_lcores_are_set_to_zero(lb: LoadBalancer) -> None:
    """Steps: what `dpip link help` names to set. Verify: counters can be set to zero by it.

    No version has had a command for it so far: its own help is the probe.
    """
    told = lb.query("dpip link help").words
    items = told[told.find("link set") :]
    if not any(word in items for word in ("zero", "reset", "clear")):
        shown = " ".join(items.split())
        raise NotSupported(f"`dpip link help` names nothing that sets counters to zero: {shown}")
    raise AssertionError(f"`dpip link help` has a command that this check does not know: {items}")


@requirement("DPI-04", flag="promisc")
@requirement("DPI-05", flag="foward2kni")
@pytest.mark.parametrize(("item", "flag"), [("promisc", "promisc"), ("forward2kni", "foward2kni")])
def test_a_flag_of_a_port_is_switched_on_and_off(lb: LoadBalancer, item: str, flag: str) -> None:
    """Steps: `dpip link set DEV promisc on`, then off; the same with forward2kni.

    Verify: the flag appears and disappears.
    """
    port = lb.spare_port
    show, off = f"dpip link show {port}", f"dpip link set {port} {item} off"
    assert flag not in _one_link(lb, show).flags, f"{flag} is on before the check"
    lb.run(f"dpip link set {port} {item} on", undo=off)
    flags = _one_link(lb, show).flags
    assert flag in flags, f"{item} is on, but {show} shows {flags}"
    lb.run(off, undo=NO_UNDO)
    flags = _one_link(lb, show).flags
    assert flag not in flags, f"{item} is off again, but {show} shows {flags}"


@requirement("DPI-05")
@pytest.mark.traffic
@needs(KNI)
@for_each(vip=vips.having(family=4).one)
def test_forward2kni_copies_received_packets_to_the_kernel(
    lb: LoadBalancer, client: Client, vip: Vip
) -> None:
    """Steps: 5 echoes to the VIP with forward2kni off, then on; the packets that the kni received.

    Verify: the VIP answers both times; only with forward2kni on does the kernel see the echoes.
    """
    if vip.link.declared.kni is None:
        raise NotApplicable(f"links.{vip.link}: no kni")
    port, kni = vip.link.port, vip.link.kni_device

    def received_by_the_kernel() -> int:
        counter = f"cat /sys/class/net/{kni}/statistics/rx_packets"
        before = int(lb.shell.run(counter).stdout)
        echoes = client.ping(vip, count=ECHOES)
        assert echoes.exact, echoes.report
        return int(lb.shell.run(counter).stdout) - before

    seen = received_by_the_kernel()
    assert seen < ECHOES, f"forward2kni is off, but {kni} received {seen} packets"
    off = f"dpip link set {port.name} forward2kni off"
    lb.run(f"dpip link set {port.name} forward2kni on", undo=off)
    seen = received_by_the_kernel()
    assert seen >= ECHOES, f"forward2kni is on: {ECHOES} echoes sent, {kni} received {seen}"


@requirement("DPI-06")
def test_a_link_is_set_down_and_up(lb: LoadBalancer) -> None:
    """Steps: `dpip link set DEV link down`, then up; on a port without a link, if there is one.

    Verify: `dpip link show` says DOWN, then UP, within 5 s. Not every driver can.
    """
    up = f"dpip link set {lb.spare_port} link up"
    assert _status(lb, "UP") == "UP", f"{lb.spare_port} is not up before the check"
    lb.run(f"dpip link set {lb.spare_port} link down", undo=up)
    if _status(lb, "DOWN") != "DOWN":
        link = _one_link(lb, f"dpip -v link show {lb.spare_port}")
        driver = link.verbose.info.driver_name if link.verbose else "unknown"
        raise NotSupported(
            f"`dpip link set {lb.spare_port} link down` ends with 0, and `dpip link show` still "
            f"says UP; its driver is {driver}"
        )
    lb.run(up, undo=NO_UNDO)
    assert _status(lb, "UP") == "UP", f"{lb.spare_port} does not come up again"


def _one_link(lb: LoadBalancer, command: str) -> DpvsPort:
    answer = lb.query(command)
    assert not answer.exit_status, f"`{command}`: {answer.shown}"
    (link,) = parse_links(answer.stdout, command)
    return link


def _status(lb: LoadBalancer, wanted: str) -> str | None:
    """The port's state; waits for `wanted` for 5 s."""
    end = time.monotonic() + SECONDS
    while True:
        seen = _one_link(lb, f"dpip link show {lb.spare_port}").status
        if seen == wanted or time.monotonic() > end:
            return seen
