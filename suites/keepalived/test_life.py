"""Start, reload and end of keepalived, and of its processes (S36.K01 to K05, K17)."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.model.health import Health
from dpvs_acceptance.model.service import Target
from dpvs_acceptance.testbed import (
    TWO_REAL_SERVERS,
    Client,
    Keepalived,
    LoadBalancer,
    Service,
    services,
)
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.checks import for_each, needs, requirement

KEPT = services.having(kept=True)
WEB = KEPT.having(toa=True, family=4).one

REQUESTS = 4
WATCHED = 1.0  # seconds, in which a reload has done what it does
REPLACED = 5.0  # seconds
FOREIGN = "198.51.100.9:7999"


@requirement("S36.K01", "KAD-01", "KAD-05", core=True)
@for_each(service=KEPT)
def test_keepalived_has_set_up_the_service(lb: LoadBalancer, service: Service) -> None:
    """Steps: `ipvsadm -ln`, `ipvsadm -G`.

    Verify: scheduler, real servers, weights and LIPs are those of keepalived.conf.
    """
    seen = lb.state.service(service.declared)
    assert seen is not None, f"{service} is not in `ipvsadm -ln`"
    targets = lb.deployment.targets(service.declared)
    wanted = {(str(one.address), one.port, one.weight) for one in targets}
    found = {(str(s.endpoint.address), s.endpoint.port, s.weight) for s in seen.servers}
    assert (seen.scheduler, found) == (service.declared.scheduler, wanted), (
        f"{service}: {service.declared.scheduler} {sorted(wanted)} expected, seen "
        f"{seen.scheduler} {sorted(found)}"
    )
    lips = {str(one) for one in lb.state.local_addresses_of(service.declared)}
    assert lips == service.lips, f"LIPs of {service}: {sorted(service.lips)} expected, seen {lips}"


@requirement("S36.K01")
@for_each(service=WEB)
def test_keepalived_runs_with_its_checker_process(keepalived: Keepalived, service: Service) -> None:
    """Steps: the pid files. Verify: both processes live."""
    del service
    parent, checkers = keepalived.parent, keepalived.checkers
    assert parent, "keepalived does not run (pid file of its first process)"
    assert checkers, "keepalived has no checker process (its pid file)"
    assert parent != checkers, f"both pid files have {parent}"


@requirement("S36.K02", "KAD-02")
@pytest.mark.traffic
@needs(TWO_REAL_SERVERS)
@for_each(service=WEB)
def test_a_reload_of_the_same_file_changes_nothing(
    lb: LoadBalancer, keepalived: Keepalived, client: Client, service: Service
) -> None:
    """Steps: requests; SIGHUP; read the service for a second; requests.

    Verify: each reading has the same real servers and weights; the counters go on, so neither the
    service nor a real server was added again; all requests are answered.
    """
    client.get_all(service, REQUESTS)
    before = keepalived.weights(service)
    counted = _counted(lb, service)
    keepalived.reload()
    until = time.monotonic() + WATCHED
    while time.monotonic() < until:
        seen = keepalived.weights(service)
        assert seen == before, f"during the reload {service} has {seen}, before {before}"
    after = _counted(lb, service)
    lost = [name for name, count in counted.items() if after.get(name, 0) < count]
    assert not lost, f"counters of {lost} began again: before the reload {counted}, after {after}"
    client.get_all(service, REQUESTS)


def _counted(lb: LoadBalancer, service: Service) -> dict[str, int]:
    """Connections by real server, as `ipvsadm --stats` counts them."""
    counters = lb.read("ipvsadm -ln --stats").counters(service.declared)
    return {str(server.endpoint): server.counters.conns for server in counters.servers}


@requirement("S36.K03", "KAD-02", "KAD-04", "KAD-13", "KAD-19", "KAD-22")
@for_each(service=WEB)
def test_a_reload_takes_over_what_changed(
    lb: LoadBalancer, keepalived: Keepalived, service: Service
) -> None:
    """Steps: a service with one real server; then another real server, weight and scheduler; then
    none of it; each by a reload.

    Verify: DPVS has exactly that each time, and the declared service stays as it is.
    """
    names = list(lb.topology.real_servers)
    declared = keepalived.weights(service)
    first = keepalived.like(service, None, names=names[:1])
    with keepalived.keeping(first) as (kept,):
        keepalived.after(kept, {keepalived.end_of(kept, names[0]): 1}, 0)
        target = Target(name=names[-1], port=first.port, weight=3)
        second = first.model_copy(update={"real_servers": (target,), "scheduler": "wrr"})
        keepalived.take_over([second])
        (end,) = lb.deployment.targets(second)
        keepalived.after(kept, {f"{end.address}:{end.port}": 3}, 0)
        seen = lb.read("ipvsadm -ln").service(second)
        assert seen is not None, f"{second.name} is not in `ipvsadm -ln` after the reload"
        assert seen.scheduler == "wrr", f"scheduler wrr expected after the reload, {seen.scheduler}"
        keepalived.take_over([])
        keepalived.after(kept, {}, 0)
    assert keepalived.weights(service) == declared, f"{service} changed by reloads of another"


@requirement("S36.K04", "KAD-01", core=True)
@for_each(service=WEB)
def test_keepalived_takes_out_what_it_added_and_nothing_else(
    lb: LoadBalancer, keepalived: Keepalived, service: Service
) -> None:
    """Steps: add a service by ipvsadm; end keepalived; read services and LIPs.

    Verify: only the service of ipvsadm is left. Afterwards keepalived is started again, and the
    configuration compared with the one before.
    """
    del service
    lb.run(f"ipvsadm -A -t {FOREIGN} -s rr")
    keepalived.end()
    left = [str(one.id) for one in lb.read("ipvsadm -ln").services.services]
    assert any(FOREIGN in one for one in left), f"the service of ipvsadm is gone as well: {left}"
    assert len(left) == 1, f"after the end of keepalived DPVS still has {', '.join(left)}"
    lips = lb.read("ipvsadm -G").all_local_addresses
    assert not any(lips.values()), f"after the end of keepalived DPVS still has LIPs: {lips}"


@requirement("S36.K05")
@for_each(service=WEB)
def test_a_killed_checker_process_is_replaced(keepalived: Keepalived, service: Service) -> None:
    """Steps: SIGKILL to the checker process.

    Verify: within 5 s there is another one, and the service has its weights all the time.
    """
    before, killed = keepalived.weights(service), keepalived.checkers
    assert killed, "keepalived has no checker process"
    keepalived.kill_checkers()
    give_up = time.monotonic() + REPLACED
    while (now := keepalived.checkers) in (0, killed):
        assert time.monotonic() < give_up, f"no checker process replaced {killed} in {REPLACED} s"
    until = time.monotonic() + WATCHED
    while time.monotonic() < until:
        seen = keepalived.weights(service)
        assert seen == before, f"{service} has {seen} after checker process {now} began: {before}"


@requirement("S36.K17", "KAD-24", "KAD-26")
@pytest.mark.traffic
@for_each(service=WEB)
def test_a_reload_adds_and_removes_a_local_address(
    lb: LoadBalancer, keepalived: Keepalived, client: Client, service: Service
) -> None:
    """Steps: a service with the first LIP of the declared one; then with all; then with the first.

    Verify: `ipvsadm -G` each time, and requests are answered each time.
    """
    lips = service.declared.local_addresses
    if len(lips) < 2:
        raise NotApplicable(f"{service} has one LIP")
    few = keepalived.like(service, Health(check="tcp"), local_addresses=lips[:1])
    with keepalived.keeping(few) as (kept,):
        for wanted in (lips[:1], lips, lips[:1]):
            changed = few.model_copy(update={"local_addresses": wanted})
            keepalived.take_over([changed])
            seen = lb.read_until(
                {*wanted}, lambda state: state.local_addresses_of(few), "ipvsadm -G"
            )
            assert seen == {*wanted}, f"LIPs {wanted} expected after the reload, seen {seen}"
            client.wait_until_served(kept.service)
            client.get_all(kept.service, REQUESTS)
