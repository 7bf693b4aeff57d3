"""--attach --drift-from: what somebody changed on a running load balancer since a stored run."""

from __future__ import annotations

from . import runs
from .benched import Benched

_CHEAP = "test_each_vip_is_on_its_port or test_http_on_the_vip_answers_200"


def test_a_rule_that_was_added_by_hand_is_named(running: Benched) -> None:
    bench = running.deployment.bench.path
    first = runs.run(bench, "--attach", "-k", _CHEAP)
    stored = runs.directory(first.stdout)
    dut, home = running.hosts["dut"], running.deployment.bench.dut.dpvs.home
    vip = next(iter(running.deployment.topology.vips["wan"]))
    try:
        assert dut.run(f"{home}/bin/ipvsadm -A -t {vip}:8443 -s wlc").ok
        again = runs.run(bench, "--attach", "-k", _CHEAP, f"--drift-from={stored}")
    finally:
        assert dut.run(f"{home}/bin/ipvsadm -D -t {vip}:8443").ok
    said = again.stdout.partition(f"drift since {stored.name}")[2].splitlines()[1:2]
    assert said == [f"  rules: – -> TCP {vip}:8443 wlc"], again.stdout[-2000:]
    other = runs.run(bench, "--attach", "--topology=nat64", f"--drift-from={stored}")
    assert other.returncode == 3
    assert "a run of fnat-two-arm on softlab, not of nat64 on softlab" in other.stderr
