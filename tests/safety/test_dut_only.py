"""A bench that names the DUT alone: what reads the DUT is judged, the rest is NOT TESTED."""

from __future__ import annotations

import json

import yaml

from tests.softlab.labs import Lab

from .benched import Benched
from .runs import directory, run

CHECKS = (
    "suites/control/test_configuration.py",
    "suites/control/test_services.py",
    "suites/forwarding/test_http.py",
    "suites/client_address/test_reader.py",
)


def test_a_running_balancer_is_checked_without_clients_and_real_servers(
    lab: Lab, running: Benched
) -> None:
    del running
    data = yaml.safe_load((lab.directory / "bench.yaml").read_text())
    path = lab.directory / "alone.yaml"
    path.write_text(yaml.safe_dump({**data, "clients": {}, "real_servers": {}}))
    done = run(path, "--attach", *CHECKS)
    assert done.returncode != 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout, done.stdout
    signoff = json.loads((directory(done.stdout) / "signoff.json").read_text())
    outcomes: dict[str, set[str]] = {}
    for row in signoff["requirements"]:
        for one in row["checks"]:
            outcomes.setdefault(one["nodeid"].split("::")[0], set()).add(one["outcome"])
    assert outcomes[CHECKS[0]] <= {"PASS", "NOT APPLICABLE", "NOT SUPPORTED"}
    assert outcomes[CHECKS[1]] == {"PASS"}
    assert outcomes[CHECKS[2]] == {"NOT TESTED", "NOT APPLICABLE"}
    assert outcomes[CHECKS[3]] == {"NOT TESTED"}
    # Whoever asks for a bring-up is told what is missing, before anything is changed.
    planned = run(path, "--plan")
    assert planned.returncode != 0
    assert "the topology needs 'client1', which the bench lacks" in planned.stdout + planned.stderr
