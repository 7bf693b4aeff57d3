"""Each kind of check: a real server leaves and returns in the time that its configuration promises.

The times are those of `Health` (dpvs_acceptance/model/health.py), not constants.
"""

from __future__ import annotations

import json
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.model.health import Health
from dpvs_acceptance.testbed import (
    KEEPALIVED_CHECKS,
    TWO_REAL_SERVERS,
    Keepalived,
    KeptService,
    Service,
    services,
)
from fixtures.checks import for_each, needs, requirement

KEPT = services.having(kept=True)
WEB = KEPT.having(toa=True, family=4).one
UDP = KEPT.having(uoa=True, family=4).one

pytestmark = needs(KEEPALIVED_CHECKS, TWO_REAL_SERVERS)

BODY = "ok"
DIGEST = md5(BODY.encode(), usedforsecurity=False).hexdigest()
HOST = "www.example.org"
HTTP = Health(check="http", status=200, digest=DIGEST, virtualhost=HOST, retries=1)


def leaves_and_returns(
    keepalived: Keepalived,
    kept: KeptService,
    captures: Path,
    wrong: dict[str, Any],
    right: dict[str, Any],
) -> None:
    """The first real server goes wrong and right again: both times against their bounds."""
    health = kept.health
    name, *others = kept.service.server_names
    gone = keepalived.end_of(kept, name)
    whole = keepalived.weights(kept)
    assert gone in whole, f"{kept.service}: {gone} is not there before it goes wrong: {whole}"
    kept.backends[name].behave(**wrong)
    rest = {keepalived.end_of(kept, other): 1 for other in others}
    left = keepalived.after(kept, rest, health.leaves_within)
    kept.backends[name].behave(**right)
    returned = keepalived.after(kept, whole, health.returns_within)
    seen = {
        "left": left,
        "left_within": health.leaves_within,
        "left_not_before": health.leaves_not_before,
        "returned": returned,
        "returned_within": health.returns_within,
    }
    (captures / f"{health.check}-seconds.json").write_text(json.dumps(seen, indent=1))
    assert left >= health.leaves_not_before, (
        f"{kept.service}: {gone} left after {left:.1f} s; with {health.retries} retries not before "
        f"{health.leaves_not_before:g} s"
    )


@requirement("S36.K07", "KAD-20", core=True)
@for_each(service=WEB)
def test_a_real_server_without_a_listener_leaves_and_returns(
    keepalived: Keepalived, service: Service, captures: Path
) -> None:
    """Steps: a service with TCP_CHECK; the listener of one real server ends, then begins again.

    Verify: it leaves and returns within the bounds, and not before all retries.
    """
    made = keepalived.like(service, Health(check="tcp", retries=2))
    with keepalived.keeping(made) as (kept,):
        answers = {"mode": "answers"}
        leaves_and_returns(keepalived, kept, captures, {"mode": "closed"}, answers)


@requirement("S36.K08")
@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "answers", "status": 500, "body": BODY},
        {"mode": "answers", "body": "something else"},
        {"mode": "answers", "body": BODY, "host": "other.example.org"},
    ],
    ids=["status", "digest", "virtualhost"],
)
@for_each(service=WEB)
def test_http_get_notices_a_wrong_answer(
    keepalived: Keepalived, service: Service, captures: Path, wrong: dict[str, Any]
) -> None:
    """Steps: a service with HTTP_GET for a virtual host, with status_code and digest; one real
    server answers with 500, with another body, or for another host only.

    Verify: it leaves and returns within the bounds.
    """
    made = keepalived.like(service, HTTP)
    with keepalived.keeping(made) as (kept,):
        right = {"mode": "answers", "body": BODY, "host": HOST}
        leaves_and_returns(keepalived, kept, captures, wrong, right)


@requirement("S36.K09")
@pytest.mark.parametrize(
    "wrong", [{"mode": "plain"}, {"mode": "answers", "status": 500}], ids=["tls", "status"]
)
@for_each(service=WEB)
def test_ssl_get_notices_a_wrong_answer(
    keepalived: Keepalived, service: Service, captures: Path, wrong: dict[str, Any]
) -> None:
    """Steps: a service with SSL_GET and status_code; one real server speaks no TLS, or answers
    with 500.

    Verify: it leaves and returns within the bounds.
    """
    made = keepalived.like(service, Health(check="ssl", status=200))
    with keepalived.keeping(made, kind="https") as (kept,):
        leaves_and_returns(keepalived, kept, captures, wrong, {"mode": "answers"})


@requirement("S36.K20", core=True)
@for_each(service=WEB)
def test_a_real_server_that_takes_connections_and_says_nothing(
    keepalived: Keepalived, service: Service, captures: Path
) -> None:
    """Steps: two services with the same real servers, one with TCP_CHECK, one with HTTP_GET; one
    real server of each takes connections and does not answer.

    Verify: it leaves only the second, within its bound.
    """
    plain = keepalived.like(service, Health(check="tcp"))
    web = keepalived.like(service, Health(check="http", status=200))
    with keepalived.keeping(plain, web) as (by_tcp, by_http):
        whole = keepalived.weights(by_tcp)
        by_tcp.backends[by_tcp.service.server_names[0]].behave("hangs")
        leaves_and_returns(keepalived, by_http, captures, {"mode": "hangs"}, {"mode": "answers"})
        seen = keepalived.weights(by_tcp)
        assert seen == whole, f"TCP_CHECK: {whole} expected, as connections are taken; seen {seen}"


@requirement("S36.K10")
@pytest.mark.parametrize("mode", ["closed", "hangs"])
@for_each(service=UDP)
def test_udp_check_notices_a_real_server_without_an_answer(
    keepalived: Keepalived, service: Service, captures: Path, mode: str
) -> None:
    """Steps: a service with UDP_CHECK and require_reply; one real server has no listener, or does
    not answer.

    Verify: it leaves and returns within the bounds.
    """
    made = keepalived.like(service, Health(check="udp"))
    with keepalived.keeping(made, kind="udp") as (kept,):
        leaves_and_returns(keepalived, kept, captures, {"mode": mode}, {"mode": "answers"})


@requirement("S36.K11")
@pytest.mark.parametrize("mode", ["closed", "hangs"])
@for_each(service=UDP)
def test_dns_check_notices_a_real_server_without_an_answer(
    keepalived: Keepalived, service: Service, captures: Path, mode: str
) -> None:
    """Steps: a service with DNS_CHECK; one real server has no listener, or does not answer.

    Verify: it leaves and returns within the bounds.
    """
    made = keepalived.like(service, Health(check="dns"))
    with keepalived.keeping(made, kind="dns") as (kept,):
        leaves_and_returns(keepalived, kept, captures, {"mode": mode}, {"mode": "answers"})


@requirement("S36.K12", "KAD-21", core=True)
@for_each(service=WEB)
def test_misc_check_sets_the_weight(keepalived: Keepalived, service: Service) -> None:
    """Steps: a service whose MISC_CHECK ends with 7, then with 12, then with 1.

    Verify: the weights are 5, then 10; then no real server is left.
    """
    made = keepalived.like(service, _ends_with(7))
    with keepalived.keeping(made) as (kept,):
        ends = [keepalived.end_of(kept, name) for name in kept.service.server_names]
        keepalived.after(kept, dict.fromkeys(ends, 5), kept.health.returns_within)
        keepalived.take_over([made.model_copy(update={"health": _ends_with(12)})])
        keepalived.after(kept, dict.fromkeys(ends, 10), kept.health.returns_within)
        keepalived.take_over([made.model_copy(update={"health": _ends_with(1)})])
        keepalived.after(kept, {}, kept.health.leaves_within)


def _ends_with(status: int) -> Health:
    return Health(check="misc", script=f"/bin/sh -c 'exit {status}'")


@requirement("S36.K13", "KAD-23", core=True)
@for_each(service=WEB)
def test_inhibit_on_failure_is_weight_0_instead_of_removal(
    keepalived: Keepalived, service: Service
) -> None:
    """Steps: a service with inhibit_on_failure and one without; one real server of each has no
    listener.

    Verify: in the first it has weight 0, in the second it is not there.
    """
    inhibits = keepalived.like(service, Health(check="tcp", inhibit_on_failure=True))
    removes = keepalived.like(service, Health(check="tcp"))
    with keepalived.keeping(inhibits, removes) as kept:
        for one in kept:
            name, *others = one.service.server_names
            one.backends[name].behave("closed")
        for one in kept:
            name, *others = one.service.server_names
            gone = {keepalived.end_of(one, name): 0} if one.health.inhibit_on_failure else {}
            rest = {keepalived.end_of(one, other): 1 for other in others}
            keepalived.after(one, gone | rest, one.health.leaves_within)
