"""--attach and --plan change nothing: every command that is sent is known to only read."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.testbed.sending import ATTACHED

from . import runs
from .benched import ROOT, Benched
from .reading import offences

OTHERS = "other traffic on "


def test_what_the_plan_does_is_no_reading(bench: Benched) -> None:
    """The allow-list lets none of the suite's own writes through, nor of the gate's and lock's."""
    for stage in bench.plan.stages:
        for change in stage.changes:
            assert _refused(change.apply), change.apply


@pytest.mark.parametrize(
    "text",
    [
        "rm -f /etc/fstab",
        "cat /etc/fstab >/etc/fstab.old",
        "true && { echo 1; } >>/tmp/x",
        "x=$(ip link set eth0 down)",
        "cat </dev/null; ip addr flush dev eth0",
        "ip route add default via 10.0.0.1",
        "sh -c 'ipvsadm -C'",
        "timeout -k 1 5 dpip addr add 10.0.0.1/32 dev dpdk0",
        "case a in a) reboot ;; esac",
        "sed -i s/a/b/ /etc/fstab",
        'eval "$(head -c 5)"; echo "$(kill 1)"',
        "for i in 1 2; do modprobe uio; done",
        "dmesg -c",
        "dpip qsch add dev dpdk0 root pfifo_fast",
        "ipvsadm -C --sockpair x",
        "curl -O http://192.0.2.1/x",
        "if [ -e /x ]; then dpdk-devbind.py -b igb_uio 0000:04:00.0; fi",
    ],
)
def test_what_writes_is_seen(text: str) -> None:
    assert _refused(text)


def _refused(text: str) -> bool:
    try:
        return bool([*offences(text)])
    except AssertionError:
        return True  # not understood, and so not allowed


def test_attach_sends_nothing_that_writes(running: Benched) -> None:
    """With the checks of every catalogue."""
    before = {role: running.snapshot(role) for role in running.hosts}
    everything = "--requirements=seed,upstream,edges"
    ran = runs.run(running.deployment.bench.path, "--attach", everything, seconds=400)
    assert "PASSED ON SIMULATION" in ran.stdout, ran.stdout[-3000:]
    assert OTHERS not in ran.stdout
    for role in running.hosts:
        assert differences(before[role], running.snapshot(role)) == ()
        assert not running.hosts[role].run(f"[ -e {journal.ROOT} ]").ok
    sent = [entry for entry in runs.transcript(ran.stdout) if entry["kind"] in ("run", "open")]
    assert {entry["host"] for entry in sent} == set(running.hosts)
    said = json.loads((runs.directory(ran.stdout) / "evidence/sent.json").read_text())["sent"]
    assert all(0 < count <= ATTACHED[kind] for kind, count in said.items()), said
    assert any("dpip qsch show" in entry["command"] for entry in sent), "of all catalogues"
    for entry in sent:
        if entry["kind"] == "open":
            # The agent that sends and captures frames; it needs no file and leaves none.
            assert entry["command"].startswith("exec python3 -I -S -u -c ")
            assert entry["host"] != "dut"
            continue
        assert [*offences(entry["command"])] == [], (entry["host"], entry["title"])


def test_what_counts_is_not_tested_where_somebody_else_has_connections(running: Benched) -> None:
    """A load balancer that already serves: what does not count is checked all the same."""
    vip = next(iter(running.deployment.topology.vips["wan"]))
    loop = f"while read -t 0.01 x; [ $? -gt 1 ]; do curl -s -o /dev/null http://{vip}/; done"
    with closing(running.hosts["client2"].open(f"exec bash -c {shlex.quote(loop)}")):
        ran = runs.run(
            running.deployment.bench.path,
            *("--attach", "-k", "counters_match or no_packet_of_many or http_on_the_vip"),
        )
    directory = runs.directory(ran.stdout)
    rows = json.loads((directory / "signoff.json").read_text())["requirements"]
    checks = {check["nodeid"]: check for row in rows for check in row["checks"]}
    outcomes = {
        name.split("::")[1].split("[")[0]: (check["outcome"], OTHERS in check["message"])
        for name, check in checks.items()
    }
    assert outcomes == {
        "test_counters_match_the_traffic": ("NOT TESTED", True),
        "test_no_packet_of_many_connections_is_lost_or_duplicated": ("NOT TESTED", True),
        "test_http_on_the_vip_answers_200": ("PASS", False),
    }, ran.stdout[-3000:]
    again = subprocess.run(
        [sys.executable, "-m", "dpvs_acceptance", "verify", directory],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stdout + again.stderr


def test_plan_connects_to_nobody(bench: Benched, tmp_path: Path) -> None:
    """The bench's hosts cannot even be reached with the ssh configuration that it names."""
    copy = tmp_path / "bench.yaml"
    copy.write_text(bench.deployment.bench.path.read_text())
    (tmp_path / "ssh_config").write_text(f"Host *\nProxyCommand touch {tmp_path}/connected\n")
    ran = runs.run(copy, "--plan")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "start dpvs" in ran.stdout
    assert not (tmp_path / "connected").exists()
