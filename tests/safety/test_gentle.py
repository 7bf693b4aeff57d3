"""`--attach --gentle`: little is sent to a load balancer in production, and all of it counted."""

from __future__ import annotations

import json
import subprocess
import sys

from dpvs_acceptance.hosts.snapshot import take
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.testbed.other_traffic import STATS
from dpvs_acceptance.testbed.sending import GENTLE, KINDS

from . import runs
from .benched import ROOT, Benched


def test_a_gentle_run_stays_within_its_bounds(running: Benched) -> None:
    """By its own count, and by the connections that DPVS counted meanwhile."""
    before = counted(running)
    more = ("--gentle", "--requirements=seed,upstream,edges,users")
    ran = runs.run(running.deployment.bench.path, "--attach", *more, seconds=400)
    grown = counted(running) - before
    directory = runs.directory(ran.stdout)
    said = json.loads((directory / "evidence/sent.json").read_text())
    assert said["at most"] == GENTLE
    assert all(said["sent"][kind] <= GENTLE[kind] for kind in KINDS), said
    assert 0 < grown <= said["sent"]["connections"], (grown, said)
    assert "PASSED ON SIMULATION" in ran.stdout, ran.stdout[-3000:]
    rows = json.loads((directory / "signoff.json").read_text())["requirements"]
    checks = {check["nodeid"].split("::")[1]: check for row in rows for check in row["checks"]}
    for name in (
        "test_http_on_the_vip_answers_200[client1-web]",
        "test_a_real_server_sees_the_client[client1-web]",
        "test_requests_with_long_headers_are_answered[web]",
    ):
        assert checks[name]["outcome"] == "PASS", (name, checks[name]["message"], said)
    refused = {name: one["message"] for name, one in checks.items() if "--gentle" in one["message"]}
    assert any("no borrowed addresses" in words for words in refused.values()), refused
    assert "in one go" in refused["test_many_connections_at_once_are_all_served[web]"]
    assert {checks[name]["outcome"] for name in refused} == {"NOT TESTED"}
    again = subprocess.run(
        [sys.executable, "-m", "dpvs_acceptance", "verify", directory],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stdout + again.stderr


def counted(running: Benched) -> int:
    """Connections that DPVS has counted so far, of all services."""
    reading = take(running.hosts["dut"], {STATS: running.wanted["dut"][STATS]})
    return sum(DutState(reading).all_connections.values())
