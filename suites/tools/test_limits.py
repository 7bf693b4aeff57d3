"""Counters of IPv6 packets, and rate limits (DPI-18, DPI-19)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import (
    Classifier,
    QueueSchedule,
    parse_classifiers,
    parse_ipv6_stats,
    parse_schedules,
)
from dpvs_acceptance.dpvs.dpip.ipv6 import TOTAL
from dpvs_acceptance.testbed import NO_UNDO, Client, LoadBalancer, Vip, vips
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import for_each, requirement

ECHOES = 10
TBF = "tbf rate 10m burst 10000 latency 100ms"


@requirement("DPI-18")
@pytest.mark.traffic
@for_each(vip=vips.having(family=6).one)
def test_ipv6_packets_are_counted(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: `dpip ipv6 show total` before and after 10 echoes to the IPv6 VIP.

    Verify: it counts at least 10 more packets in each direction.
    """
    before = _ipv6(lb, "total")[TOTAL]
    echoes = client.ping(vip, count=ECHOES)
    assert echoes.received == ECHOES, echoes.report
    after = _ipv6(lb, "total")[TOTAL]
    for name in ("InReceives", "OutRequests"):
        grown = after[name] - before[name]
        assert grown >= ECHOES, f"{ECHOES} echoes were answered, {name} grew by {grown}"


@requirement("DPI-18")
def test_ipv6_counters_are_shown_for_each_lcore(lb: LoadBalancer) -> None:
    """Steps: `dpip ipv6 show all`, and `cpu N` of each worker.

    Verify: the sum of all lcores is what `All` says; each worker is listed, alike both ways.
    """
    shown = _ipv6(lb, "all")
    lcores = {name: counters for name, counters in shown.items() if name.startswith("cpu")}
    octets = sum(counters["InOctets"] for counters in lcores.values())
    assert octets == shown["All"]["InOctets"], f"InOctets: {octets} by lcore, {shown['All']} in all"
    for worker in lb.deployment.workers:
        name = f"cpu {worker.lcore.id}"
        assert name in lcores, f"`dpip ipv6 show all` lists {[*lcores]}, but not {name}"
        assert [*_ipv6(lb, name)] == [name], f"`dpip ipv6 show {name}` shows another lcore"


@requirement("DPI-19")
def test_a_rate_limit_is_added_changed_and_deleted(lb: LoadBalancer) -> None:
    """Steps: `dpip qsch add`, `show`, `change`, `del` of a token bucket on a port.

    Verify: listed with its rate, then with the changed one; then gone.
    """
    port = lb.spare_port
    delete = f"dpip qsch del dev {port} root"
    assert not _schedules(lb), f"{port} has a rate limit before the check"
    lb.run(f"dpip qsch add dev {port} root {TBF}", undo=delete)
    for rate in ("10.00Mbps", "20.00Mbps"):
        seen = _schedules(lb)
        facts = [(one.kind, one.handle, one.device, rate in one.options) for one in seen]
        wanted = [("tbf", "root", port, True)]
        assert facts == wanted, mismatch(f"`dpip qsch show`, {rate}", expected=wanted, seen=seen)
        change = TBF.replace("10m", "20m")
        lb.run(f"dpip qsch change dev {port} root {change}", undo=NO_UNDO)
    lb.run(delete, undo=NO_UNDO)
    assert not _schedules(lb), f"it was deleted, but is still listed: {_schedules(lb)}"


@requirement("DPI-19")
def test_a_classifier_is_added_listed_and_deleted(lb: LoadBalancer) -> None:
    """Steps: a schedule on a port, `dpip cls add`, `show`, `del`.

    Verify: the classifier is listed with its pattern and target, and counted by its schedule.
    """
    port = lb.spare_port
    lb.run(f"dpip qsch add dev {port} root pfifo_fast", undo=f"dpip qsch del dev {port} root")
    which = f"dev {port} qsch root handle 1:10"
    lb.run(
        f"dpip cls add {which} match pattern 'tcp,from=192.0.2.1' target drop",
        undo=f"dpip cls del {which}",
    )
    seen = [(one.handle, one.schedule, one.target) for one in _classifiers(lb)]
    assert seen == [("1:10", "root", "drop")], f"`dpip cls show dev {port}`: {seen}"
    pattern = _classifiers(lb)[0].pattern
    assert "from=192.0.2.1-192.0.2.1" in pattern, f"pattern of the classifier: {pattern}"
    assert [one.classifiers for one in _schedules(lb)] == [1], (
        "the qsch does not count the classifier"
    )
    lb.run(f"dpip cls del {which}", undo=NO_UNDO)
    assert not _classifiers(lb), "the classifier was deleted, but is still listed"


@requirement("DPI-19")
def test_invalid_limits_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, of no kind, on no port; delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    root = f"dev {lb.spare_port} root"
    lb.run(f"dpip qsch add {root} {TBF}", undo=f"dpip qsch del {root}")
    lb.refuses("qsch add, existing", f"dpip qsch add {root} {TBF}")
    lb.refuses("qsch add, bad kind", f"dpip qsch add {root} nothing")
    lb.refuses("qsch add, no such device", "dpip qsch add dev dpdk99 root bfifo limit 1000")
    lb.refuses("cls del, missing", f"dpip cls del dev {lb.spare_port} qsch root handle 9:9")
    lb.run(f"dpip qsch del {root}", undo=NO_UNDO)
    lb.refuses("qsch del, missing", f"dpip qsch del {root}")


def _ipv6(lb: LoadBalancer, which: str) -> dict[str, dict[str, int]]:
    answer = lb.query(f"dpip ipv6 show {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    found = parse_ipv6_stats(answer.stdout, answer.command)
    return {name: dict(counters) for name, counters in found.items()}


def _schedules(lb: LoadBalancer) -> tuple[QueueSchedule, ...]:
    answer = lb.query(f"dpip qsch show dev {lb.spare_port}")
    return parse_schedules(answer.stdout, answer.command)


def _classifiers(lb: LoadBalancer) -> tuple[Classifier, ...]:
    answer = lb.query(f"dpip cls show dev {lb.spare_port}")
    return parse_classifiers(answer.stdout, answer.command)
