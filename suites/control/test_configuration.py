"""dpvs.conf, and the settings of the running DPVS (deployment guide, 2.4)."""

from __future__ import annotations

from dpvs_acceptance.dpvs.conf import check
from dpvs_acceptance.testbed import ICMP_WORKER, LoadBalancer
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import needs, requirement

CHATTY = ("INFO", "DEBUG")  # at these levels DPVS logs what it reads at its start


@requirement("S18", core=True)
def test_the_log_goes_where_the_topology_says(lb: LoadBalancer) -> None:
    """Steps: log_file and log_level of dpvs.conf; the file. Verify: as declared; not empty."""
    declared = lb.topology.dpvs
    settings = (lb.state.conf.log_level, lb.state.conf.log_file)
    assert settings == (declared.log_level, declared.log_file), (
        f"logging: expected {declared.log_level} to {declared.log_file}, dpvs.conf has {settings}"
    )
    if declared.log_file is None:
        return
    log = lb.host.file(declared.log_file)
    assert log.exists, f"dpvs should log to {declared.log_file}, which does not exist"
    assert log.size or declared.log_level not in CHATTY, (
        f"dpvs writes nothing to {declared.log_file}"
    )


@requirement("S18")
def test_the_log_has_no_known_failure(lb: LoadBalancer) -> None:
    """Steps: compare each log line with the known failures. Verify: none is there.

    A build without icmp_redirect_core is left to S21.
    """
    if not lb.state.log_lines and lb.topology.dpvs.log_level in CHATTY:
        raise Inconclusive("the log is empty: that it has no failure proves nothing")
    findings = [
        f"{finding.meaning}: {finding.line}"
        for finding in lb.state.log_findings
        if "icmp_redirect_core" not in finding.line
    ]
    assert not findings, "failures in the log: " + "\n".join(findings)


@requirement("S19", core=True)
def test_each_port_has_the_queues_of_the_configuration(lb: LoadBalancer) -> None:
    """Steps: `dpip link show`, dpvs.conf, the log of the start.

    Verify: queues, descriptors, RSS and kni name of each port. A log whose level leaves out INFO
    does not tell them, and is not judged.
    """
    declared, queues = lb.topology.dpvs, len(lb.deployment.workers)
    wanted = (queues, queues, declared.rx_descriptors, declared.tx_descriptors, declared.rss)
    wrong = []
    for port in lb.deployment.nic_ports:
        device, read = lb.state.conf_device(port.name), lb.state.start_settings(port.name)
        silent = read is None and declared.log_level not in CHATTY
        if device is None or (read is None and not silent):
            wrong.append(f"{port.name}: no such device in {'dpvs.conf' if read else 'the log'}")
            continue
        in_file = (device.rx_queues, device.tx_queues, device.rx_desc, device.tx_desc, device.rss)
        as_read: tuple[object, ...] = wanted
        if read is not None:
            as_read = (
                read.rx_queue_number,
                read.tx_queue_number,
                read.nb_rx_desc,
                read.nb_tx_desc,
                read.rss,
            )
        if declared.log_level not in CHATTY:
            pairs = zip(as_read, wanted, strict=True)
            as_read = tuple(want if seen is None else seen for seen, want in pairs)
        link = lb.state.link(port.name)
        for source, seen in (("dpvs.conf", in_file), ("the log of the start", as_read)):
            if seen != wanted:
                wrong.append(
                    f"{port.name}: rx, tx queues, rx, tx descriptors, rss: {wanted} expected, "
                    f"{source} has {seen}"
                )
        kni = port.kni if lb.deployment.kni and port in lb.deployment.ports else None
        if kni and device.kni_name != kni:
            wrong.append(f"{port.name}: kni {kni} expected, dpvs.conf has {device.kni_name}")
        if (link.rx_queues, link.tx_queues) != (queues, queues):
            wrong.append(
                f"{port.name}: {queues} queues expected, "
                f"dpip shows {link.rx_queues} rx, {link.tx_queues} tx"
            )
    assert not wrong, "ports are not as configured: " + "\n".join(wrong)


@requirement("S20", core=True)
def test_the_queue_map_is_consistent(lb: LoadBalancer) -> None:
    """Steps: DPVS's own check of workers and queues, repeated on dpvs.conf; the same with the
    version, NICs and lcores of the bench.

    Verify: no error, and nothing that this version would refuse or lose on this machine.
    """
    lcores = lb.bench.dut.lcores
    here = check(
        lb.state.conf_tree,
        version=lb.version.version,
        ports=len(lb.deployment.nic_ports),
        lcores={lcores.master.id, *(worker.id for worker in lcores.workers)},
    )
    found = [*check(lb.state.conf_tree), *(one for one in here if one.fatal)]
    problems = [str(problem) for problem in dict.fromkeys(found)]
    assert not problems, "dpvs.conf: " + "\n".join(problems)


@requirement("S20", core=True)
def test_each_lcore_serves_its_queues_on_every_port(lb: LoadBalancer) -> None:
    """Steps: `dpip link show cpu`. Verify: each lcore serves the same queue of every port."""
    wrong = []
    for worker in lb.deployment.workers:
        lcore = lb.state.lcore(worker.lcore.id)
        for port in lb.deployment.ports:
            for direction in ("rx", "tx"):
                seen = lcore.serves(port.name, direction)
                if seen != (worker.queue,):
                    wrong.append(
                        f"lcore {worker.lcore.id} should serve {direction} queue {worker.queue} of "
                        f"{port.name}, seen {list(seen) or 'none'}"
                    )
    assert not wrong, "queues are not on the lcores of the configuration: " + "\n".join(wrong)


@requirement("S21", core=True)
@needs(ICMP_WORKER)
def test_icmp_has_the_worker_of_the_topology(lb: LoadBalancer) -> None:
    """Steps: workers of dpvs.conf. Verify: icmp_redirect_core is set for the expected one only."""
    wanted = [worker.lcore.id for worker in lb.deployment.workers if worker.icmp_redirect]
    seen = [worker.cpu_id for worker in lb.state.conf.workers if worker.icmp_redirect]
    assert seen == wanted, f"icmp_redirect_core: expected on lcore {wanted}, dpvs.conf has {seen}"
