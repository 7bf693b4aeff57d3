"""keepalived.conf of a declaration: read by another parser it says what was declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.keepalived import keepalived
from dpvs_acceptance.bringup.keepalived_conf import render_keepalived
from dpvs_acceptance.model.bench import Leg, load_bench
from dpvs_acceptance.model.deployment import Deployment, deploy
from dpvs_acceptance.model.health import Health, Sorry
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology
from softlab.simulated.keepalived import conf

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "topologies/keepalived.yaml").read_text(encoding="utf-8")
HEALTH = Health(
    check="http",
    delay_loop=3,
    timeout=4,
    retries=5,
    delay_before_retry=6,
    path="/ok",
    status=204,
    inhibit_on_failure=True,
    quorum=2,
    hysteresis=1,
    alpha=True,
    omega=True,
    quorum_up="/bin/echo up",
    quorum_down="/bin/sh -c 'echo down'",
    sorry_server=Sorry(name="rs2", port=81),
)


@pytest.fixture
def deployment() -> Deployment:
    bench = load_bench(ROOT / "benches/lb01.example.yaml")
    return deploy(load_topology(ROOT / "topologies/keepalived.yaml"), bench)


def read(text: str) -> tuple[conf.VirtualServer, ...]:
    return conf.virtual_servers(conf.parse(text))


def test_each_service_is_there_with_its_servers_and_lips(deployment: Deployment) -> None:
    found = read(render_keepalived(deployment, deployment.services))
    for service, seen in zip(deployment.services, found, strict=True):
        assert (seen.addr, seen.port) == (str(service.vip), service.port)
        assert seen.scheduler == service.scheduler
        assert [lip for lip, _ in seen.laddrs] == [str(lip) for lip in service.local_addresses]
        targets = [(str(t.address), t.port, t.weight) for t in deployment.targets(service)]
        assert [(one.addr, one.port, one.weight) for one in seen.servers] == targets


def test_what_health_declares_is_said(deployment: Deployment) -> None:
    service = deployment.services[0].model_copy(update={"health": HEALTH})
    (seen,) = read(render_keepalived(deployment, [service]))
    assert (seen.quorum, seen.hysteresis, seen.alpha, seen.omega) == (2, 1, True, True)
    assert (seen.quorum_up, seen.quorum_down) == ("/bin/echo up", "/bin/sh -c 'echo down'")
    assert seen.sorry == conf.RealServer("192.168.229.2", 81, 1)
    (checker,) = seen.servers[0].checkers
    timing = (checker.delay_loop, checker.timeout, checker.retry, checker.delay_before_retry)
    assert (checker.kind, checker.port, *timing) == ("HTTP_GET", 80, 3, 4, 5, 6)
    (url,) = checker.block.all("url")
    assert (url.word("path"), url.word("status_code")) == ("/ok", "204")
    assert seen.servers[0].inhibit


def test_without_a_kni_nothing_is_checked(deployment: Deployment) -> None:
    """Else keepalived would find every real server dead."""
    found = read(render_keepalived(replace(deployment, kni=False), deployment.services))
    assert [len(one.servers) for one in found] == [2, 2, 2]
    assert not [server for one in found for server in one.servers if server.checkers]


def test_the_bounds_are_those_of_the_declaration() -> None:
    # Dies right after a check; six attempts of 4 s each, 6 s between two of them.
    assert HEALTH.leaves_within == 3 + 6 * 4 + 5 * 6
    assert HEALTH.leaves_not_before == 5 * 6
    # The last attempt that fails has just begun; the next begins 6 s after it and takes 4 s.
    assert HEALTH.returns_within == 4 + 6 + 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("configured_by: keepalived", "", "only keepalived checks real servers"),
        ("check: tcp,", "check: misc,", "a check of kind misc needs a script"),
        ("check: tcp,", "check: tcp, quorum: 3,", "is never gained: the weights of all real"),
        ("check: tcp,", "check: tcp, hysteresis: 1,", "hysteresis must be less than quorum"),
        (
            "check: tcp,",
            "check: tcp, sorry_server: {name: rs9, port: 80},",
            "no real server 'rs9'",
        ),
        ("check: tcp,", "check: smtp,", "health.check"),
        (
            '    kni: {address: 192.168.229.28, address6: "fd00:229::28"}\n',
            "",
            "from the load balancer's kernel, and link lan has no kni",
        ),
        (
            "hugepages:",
            "fleets: [{name: many, like: web, count: 3, first_port: 9000}]\nhugepages:",
            "a keepalived.conf has no fleets",
        ),
    ],
)
def test_what_cannot_be_rendered_is_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in TEXT
    path = tmp_path / "bad.yaml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError) as error:
        load_topology(path)
    lines = str(error.value).splitlines()
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert lines[0].startswith(f"{path}:")


def test_a_leg_of_the_bench_takes_the_place_of_the_kni(deployment: Deployment) -> None:
    dut = deployment.bench.dut.model_copy(update={"legs": (Leg(interface="eth9", link="lan"),)})
    bench = deployment.bench.model_copy(update={"dut": dut})
    placed = replace(deployment, kni=False, bench=bench)
    (first, *_) = read(render_keepalived(placed, placed.services))
    assert all(server.checkers for server in first.servers)
    adds = [change.apply for change in keepalived(placed) if change.id.startswith("leg.")]
    assert adds[0] == "ip link set eth9 up"
    assert adds[1] == "ip addr add 192.168.229.28/24 dev eth9"
    assert not [one for one in keepalived(deployment) if one.id.startswith("leg.")]
