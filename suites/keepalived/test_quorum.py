"""Quorum, hysteresis, sorry server, alpha and omega (S36.K14 to K16), and checks under traffic."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.model.health import Health, Sorry
from dpvs_acceptance.testbed import (
    KEEPALIVED_CHECKS,
    SORRY,
    TWO_REAL_SERVERS,
    Client,
    Keepalived,
    LoadBalancer,
    Service,
    services,
)
from fixtures.checks import for_each, needs, requirement

KEPT = services.having(kept=True)
WEB = KEPT.having(toa=True, family=4).one

pytestmark = needs(KEEPALIVED_CHECKS, TWO_REAL_SERVERS)

SCRIPTS = "/tmp/dpvs-acceptance.quorum"  # noqa: S108 - on the device, removed with the check
SETTLED = 1.0  # seconds, in which a script that must not run would have run
LOOPS = 8  # of delay_loop, under traffic
PATIENCE = 0.8  # of delay_loop, with a request


def _says(word: str) -> str:
    return f"/bin/sh -c 'echo {word} >>{SCRIPTS}'"


class Scripts:
    """What quorum_up and quorum_down wrote."""

    def __init__(self, lb: LoadBalancer) -> None:
        self._lb = lb

    @property
    def ran(self) -> list[str]:
        return self._lb.shell.run(f"cat {SCRIPTS}", timeout=10).stdout.split()

    def require(self, *words: str) -> None:
        """Exactly these ran, in this order, and no other within a second."""
        until = time.monotonic() + SETTLED
        while time.monotonic() < until:
            if len(seen := self.ran) > len(words):
                break
        assert seen == [*words], f"scripts: {', '.join(words)} expected, {', '.join(seen)} ran"


@pytest.fixture
def scripts(lb: LoadBalancer, keepalived: Keepalived) -> Scripts:
    """With no word written yet; the file goes when the check ends."""
    keepalived.begin_file(SCRIPTS)
    return Scripts(lb)


@requirement("S36.K15", "KAD-08", "KAD-09", "KAD-12", core=True)
@for_each(service=WEB)
def test_quorum_is_lost_and_gained_once_with_hysteresis(
    keepalived: Keepalived, scripts: Scripts, service: Service
) -> None:
    """Steps: two real servers of weight 2, quorum 3, hysteresis 1: lost below 2, gained at 4. The
    first ends, the second ends, the first returns, the second returns.

    Verify: quorum_up at the start, quorum_down only after both ended, quorum_up only after both
    returned.
    """
    health = Health(
        check="tcp", quorum=3, hysteresis=1, quorum_up=_says("up"), quorum_down=_says("down")
    )
    names = list(service.server_names)[:2]
    made = keepalived.like(service, health, names=names, weights=(2, 2))
    with keepalived.keeping(made) as (kept,):
        first, second = (keepalived.end_of(kept, name) for name in names)
        keepalived.after(kept, {first: 2, second: 2}, health.returns_within)
        scripts.require("up")
        kept.backends[names[0]].behave("closed")
        keepalived.after(kept, {second: 2}, health.leaves_within)
        scripts.require("up")
        kept.backends[names[1]].behave("closed")
        keepalived.after(kept, {}, health.leaves_within)
        scripts.require("up", "down")
        kept.backends[names[0]].behave("answers")
        keepalived.after(kept, {first: 2}, health.returns_within)
        scripts.require("up", "down")
        kept.backends[names[1]].behave("answers")
        keepalived.after(kept, {first: 2, second: 2}, health.returns_within)
        scripts.require("up", "down", "up")


@requirement("S36.K14", core=True)
@pytest.mark.traffic
@for_each(service=WEB)
def test_the_sorry_server_stands_in_for_the_real_servers(
    keepalived: Keepalived, client: Client, service: Service
) -> None:
    """Steps: a service with a sorry server; all real servers end; one returns.

    Verify: then the sorry server is the only one, and answers requests; afterwards it is gone, and
    the real server answers them.
    """
    names = service.server_names
    port = keepalived.spare_port()
    health = Health(check="tcp", sorry_server=Sorry(name=names[-1], port=port))
    made = keepalived.like(service, health)
    with keepalived.keeping(made) as (kept,):
        for name in names:
            kept.backends[name].behave("closed")
        sorry = keepalived.end_at(kept, names[-1], port)
        keepalived.after(kept, {sorry: 1}, health.leaves_within)
        bodies = {answer.body.strip() for answer in client.get(kept.service, 2)}
        assert bodies == {SORRY}, f"the sorry server answers {SORRY!r}, the client got {bodies}"
        kept.backends[names[0]].behave("answers")
        keepalived.after(kept, {keepalived.end_of(kept, names[0]): 1}, health.returns_within)
        bodies = {answer.body.strip() for answer in client.get(kept.service, 2)}
        assert bodies == {"ok"}, f"the real server answers 'ok', the client got {bodies}"


@requirement("S36.K16", "KAD-10", "KAD-11", core=True)
@for_each(service=WEB)
def test_alpha_begins_dead_and_omega_ends_with_quorum_down(
    keepalived: Keepalived, scripts: Scripts, service: Service
) -> None:
    """Steps: a service with alpha and omega whose real servers have no listener; they begin; then
    the service is taken out by a reload.

    Verify: no real server is there before it answers; quorum_up then, quorum_down at the end.
    """
    health = Health(
        check="tcp",
        alpha=True,
        omega=True,
        quorum_up=_says("up"),
        quorum_down=_says("down"),
    )
    made = keepalived.like(service, health)
    with keepalived.keeping(made, begin="closed") as (kept,):
        until = time.monotonic() + health.leaves_within
        while time.monotonic() < until:
            seen = keepalived.weights(kept)
            assert not seen, f"alpha: {seen} is there, though no check succeeded"
        before = [word for word in scripts.ran if word == "up"]
        assert not before, "quorum_up ran before a check succeeded"
        for one in kept.backends.values():
            one.behave("answers")
        whole = {keepalived.end_of(kept, name): 1 for name in kept.service.server_names}
        keepalived.after(kept, whole, health.returns_within)
        keepalived.take_over([])
        words = [*scripts.ran]
        assert words[-2:] == ["up", "down"], f"quorum_up, then quorum_down expected, ran {words}"


@requirement("S36.K21", "KAD-05")
@pytest.mark.traffic
@for_each(service=WEB)
def test_no_real_server_leaves_under_traffic(
    keepalived: Keepalived, client: Client, service: Service
) -> None:
    """Steps: requests, one after the other, for eight times delay_loop.

    Verify: after each the real servers and weights are as before; each is answered, within 0.8 of
    delay_loop: a real server that left stays away longer, so no reading comes too late to see it.
    """
    before = keepalived.weights(service)
    delay_loop = service.declared.health.delay_loop if service.declared.health else 1
    until = time.monotonic() + LOOPS * delay_loop
    while time.monotonic() < until:
        (answer,) = client.get(service, timeout=PATIENCE * delay_loop)
        seen = keepalived.weights(service)
        assert seen == before, f"under traffic {service} has {seen}, before {before}"
        assert answer.status == 200, f"a request to {service} failed: {answer}"
