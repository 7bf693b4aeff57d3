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
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator

ECHOES = 10
TBF = "tbf rate 10m burst 10000 latency 100ms"


@pytest.mark.requirement("DPI-18")
@pytest.mark.traffic
def test_ipv6_packets_are_counted(
    operator: Operator, scene: Scene, deployment: Deployment, one_vip6: str
) -> None:
    """Steps: `dpip ipv6 show total` before and after 10 echoes to the IPv6 VIP.

    Verify: at least 10 packets more came in and 10 more went out.
    """
    before = _ipv6(operator, "total")[TOTAL]
    client = deployment.topology.vip_clients[0]
    answered = ping(
        scene.stations[client], one_vip6, mac=scene.next_hop(client, one_vip6), count=ECHOES
    )
    assert answered.received == ECHOES, "\n".join(answered.problems)
    after = _ipv6(operator, "total")[TOTAL]
    for name in ("InReceives", "OutRequests"):
        grown = after[name] - before[name]
        assert grown >= ECHOES, f"{ECHOES} echoes were answered, {name} grew by {grown}"


@pytest.mark.requirement("DPI-18")
def test_ipv6_counters_are_shown_for_each_lcore(operator: Operator, deployment: Deployment) -> None:
    """Steps: `dpip ipv6 show all`, and `cpu N` of each worker.

    Verify: the sum of all lcores is what `All` says; each worker is listed, alike both ways.
    """
    shown = _ipv6(operator, "all")
    lcores = {name: counters for name, counters in shown.items() if name.startswith("cpu")}
    octets = sum(counters["InOctets"] for counters in lcores.values())
    assert octets == shown["All"]["InOctets"], f"InOctets: {octets} by lcore, {shown['All']} in all"
    for worker in deployment.workers:
        name = f"cpu {worker.lcore.id}"
        assert name in lcores, f"`dpip ipv6 show all` has {[*lcores]}, and not {name}"
        assert [*_ipv6(operator, name)] == [name], f"`dpip ipv6 show {name}` shows another lcore"


@pytest.mark.requirement("DPI-19")
def test_a_rate_limit_is_added_changed_and_deleted(operator: Operator) -> None:
    """Steps: `dpip qsch add`, `show`, `change`, `del` of a token bucket on a port.

    Verify: listed with its rate, then with the changed one; then gone.
    """
    port = operator.port
    delete = f"dpip qsch del dev {port} root"
    assert not _schedules(operator), f"{port} is limited to begin with"
    operator.does(f"dpip qsch add dev {port} root {TBF}", undo=delete)
    for rate in ("10.00Mbps", "20.00Mbps"):
        seen = _schedules(operator)
        facts = [(one.kind, one.handle, one.device, rate in one.options) for one in seen]
        wanted = [("tbf", "root", port, True)]
        assert facts == wanted, mismatch(f"`dpip qsch show`, {rate}", expected=wanted, seen=seen)
        change = TBF.replace("10m", "20m")
        operator.does(f"dpip qsch change dev {port} root {change}", undo=OWN)
    operator.does(delete, undo=OWN)
    assert not _schedules(operator), f"it was deleted, and is still there: {_schedules(operator)}"


@pytest.mark.requirement("DPI-19")
def test_what_is_limited_is_classified(operator: Operator) -> None:
    """Steps: a schedule on a port, `dpip cls add`, `show`, `del`.

    Verify: the classifier is listed with its pattern and target, and counted by its schedule.
    """
    port = operator.port
    operator.does(
        f"dpip qsch add dev {port} root pfifo_fast", undo=f"dpip qsch del dev {port} root"
    )
    which = f"dev {port} qsch root handle 1:10"
    operator.does(
        f"dpip cls add {which} match pattern 'tcp,from=192.0.2.1' target drop",
        undo=f"dpip cls del {which}",
    )
    seen = [(one.handle, one.schedule, one.target) for one in _classifiers(operator)]
    assert seen == [("1:10", "root", "drop")], f"`dpip cls show dev {port}`: {seen}"
    assert "from=192.0.2.1-192.0.2.1" in _classifiers(operator)[0].pattern, "another pattern"
    assert [one.classifiers for one in _schedules(operator)] == [1], "its schedule knows nothing"
    operator.does(f"dpip cls del {which}", undo=OWN)
    assert not _classifiers(operator), "it was deleted, and is still there"


@pytest.mark.requirement("DPI-19")
def test_limits_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, of no kind, on what is no port; delete what is not there.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    root = f"dev {operator.port} root"
    operator.does(f"dpip qsch add {root} {TBF}", undo=f"dpip qsch del {root}")
    operator.refuses("qsch add, existing", f"dpip qsch add {root} {TBF}")
    operator.refuses("qsch add, bad kind", f"dpip qsch add {root} nothing")
    operator.refuses("qsch add, no such device", "dpip qsch add dev dpdk99 root bfifo limit 1000")
    operator.refuses("cls del, missing", f"dpip cls del dev {operator.port} qsch root handle 9:9")
    operator.does(f"dpip qsch del {root}", undo=OWN)
    operator.refuses("qsch del, missing", f"dpip qsch del {root}")


def _ipv6(operator: Operator, which: str) -> dict[str, dict[str, int]]:
    answer = operator.ask(f"dpip ipv6 show {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    found = parse_ipv6_stats(answer.stdout, answer.command)
    return {name: dict(counters) for name, counters in found.items()}


def _schedules(operator: Operator) -> tuple[QueueSchedule, ...]:
    answer = operator.ask(f"dpip qsch show dev {operator.port}")
    return parse_schedules(answer.stdout, answer.command)


def _classifiers(operator: Operator) -> tuple[Classifier, ...]:
    answer = operator.ask(f"dpip cls show dev {operator.port}")
    return parse_classifiers(answer.stdout, answer.command)
