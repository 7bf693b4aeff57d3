"""dpvs.conf, and that the running DPVS is what it says (seed 2.4)."""

from __future__ import annotations

import pytest
import testinfra.host

from dpvs_acceptance.dpvs.conf import check
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import Inconclusive, NotApplicable, NotSupported


@pytest.mark.requirement("S18")
def test_the_log_goes_where_the_topology_says(
    host: testinfra.host.Host, dut: DutState, deployment: Deployment
) -> None:
    """Steps: log_file and log_level of dpvs.conf; the file. Verify: as declared, and written to."""
    declared = deployment.topology.dpvs
    log = (dut.conf.log_level, dut.conf.log_file)
    assert log == (declared.log_level, declared.log_file), (
        f"logging: expected {declared.log_level} to {declared.log_file}, dpvs.conf has {log}"
    )
    log = host.file(declared.log_file)
    assert log.exists, f"dpvs should log to {declared.log_file}, which does not exist"
    assert log.size, f"dpvs writes nothing to {declared.log_file}"


@pytest.mark.requirement("S18")
def test_the_log_has_no_word_of_a_known_failure(dut: DutState) -> None:
    """Steps: compare each log line with the known failures. Verify: none is there.

    Whether the build knows icmp_redirect_core is S21's matter.
    """
    if not dut.log_lines:
        raise Inconclusive("the log is empty, so that it says nothing proves nothing")
    findings = [
        f"{finding.meaning}: {finding.line}"
        for finding in dut.log_findings
        if "icmp_redirect_core" not in finding.line
    ]
    assert not findings, "the log tells of failures: " + "\n".join(findings)


@pytest.mark.requirement("S19")
def test_each_port_has_the_queues_of_the_configuration(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: `dpip link show`, dpvs.conf. Verify: queues, descriptors, RSS, kni name per port."""
    declared = deployment.topology.dpvs
    queues = len(deployment.workers)
    wanted = (queues, queues, declared.rx_descriptors, declared.tx_descriptors, declared.rss)
    wrong = []
    for port in deployment.ports:
        device, read = dut.conf_device(port.name), dut.start_settings(port.name)
        if device is None or read is None:
            wrong.append(f"{port.name}: no such device in {'dpvs.conf' if read else 'the log'}")
            continue
        in_file = (device.rx_queues, device.tx_queues, device.rx_desc, device.tx_desc, device.rss)
        as_read = (
            read.rx_queue_number,
            read.tx_queue_number,
            read.nb_rx_desc,
            read.nb_tx_desc,
            read.rss,
        )
        link = dut.link(port.name)
        for source, seen in (("dpvs.conf", in_file), ("the log of its start", as_read)):
            if seen != wanted:
                wrong.append(
                    f"{port.name}: rx, tx queues, rx, tx descriptors, rss: {wanted} expected, "
                    f"{source} has {seen}"
                )
        if deployment.kni and device.kni_name != port.kni:
            wrong.append(f"{port.name}: kni {port.kni} expected, dpvs.conf has {device.kni_name}")
        if (link.rx_queues, link.tx_queues) != (queues, queues):
            wrong.append(
                f"{port.name}: {queues} queues expected, "
                f"dpip shows {link.rx_queues} rx, {link.tx_queues} tx"
            )
    assert not wrong, "ports are not as configured: " + "\n".join(wrong)


@pytest.mark.requirement("S20")
def test_the_queue_map_is_consistent(dut: DutState) -> None:
    """Steps: re-derive DPVS's own check of workers and queues over dpvs.conf. Verify: no error."""
    problems = [str(problem) for problem in check(dut.conf_tree)]
    assert not problems, "dpvs.conf: " + "\n".join(problems)


@pytest.mark.requirement("S20")
def test_each_lcore_serves_its_queues_on_every_port(dut: DutState, deployment: Deployment) -> None:
    """Steps: `dpip link show cpu`. Verify: the same queue of every port is on one lcore."""
    wrong = []
    for worker in deployment.workers:
        lcore = dut.lcore(worker.lcore.id)
        for port in deployment.ports:
            for direction in ("rx", "tx"):
                seen = lcore.serves(port.name, direction)
                if seen != (worker.queue,):
                    wrong.append(
                        f"lcore {worker.lcore.id} should serve {direction} queue {worker.queue} of "
                        f"{port.name}, seen {list(seen) or 'none'}"
                    )
    assert not wrong, "queues are not on the lcores of the configuration: " + "\n".join(wrong)


@pytest.mark.requirement("S21")
def test_icmp_has_the_worker_that_the_topology_gives_it(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: workers of dpvs.conf. Verify: icmp_redirect_core on the expected one alone."""
    wanted = [worker.lcore.id for worker in deployment.workers if worker.icmp_redirect]
    if not wanted:
        raise NotApplicable("the topology sets no worker apart for ICMP (dpvs.icmp_redirect)")
    if (words := dut.refused_keyword("icmp_redirect_core")) is not None:
        raise NotSupported(f"this build has no icmp_redirect_core, its log says: {words}")
    seen = [worker.cpu_id for worker in dut.conf.workers if worker.icmp_redirect]
    assert seen == wanted, f"icmp_redirect_core: expected on lcore {wanted}, dpvs.conf has {seen}"
