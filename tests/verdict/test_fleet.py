"""Many devices: the newest run counts, versions apart, drift named, trends over runs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.drift import Difference, drifted, portrait
from dpvs_acceptance.verdict.fleet import Run, make_fleet, to_lines
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.outcomes import Outcome
from reports.building import render_fleet
from tests.verdict.builders import STARTED, check, facts, requirement

ROWS = (requirement("S29"), requirement("S33", "P2"))


def snapshot(
    conf: str = "worker_defs {\n    worker cpu0 {\n        type master\n    }\n}\n",
) -> str:
    rules = """IP Virtual Server version 1.10.2 (size=0)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.96.204:80 rr
  -> 192.168.229.1:80             FullNat 1      5          7
"""
    sections = {
        "dpvs.conf": conf,
        "ipvsadm -ln": rules,
        "dpip -s addr show": "inet 10.0.96.204/32 scope global dpdk1\n     valid_lft forever\n"
        "inet6 fe80::1/64 scope link dpdk1\n",
    }
    return json.dumps({"sections": {name: {"stdout": text} for name, text in sections.items()}})


def run(bench: str, day: int, s33: str = "PASS", version: str = "1.10-2", seen: str = "") -> Run:
    moment = STARTED + timedelta(days=day)
    about = replace(facts(Path("run")), started=moment, dpvs=version, run=f"2026010{day + 2}")
    results = (check("PASS", "S29"), check(s33, "S33", message="toa" if s33 != "PASS" else ""))
    verdict = judge(about.kind, ROWS, results)
    signoff = compose(about, ROWS, results, verdict, moment + timedelta(minutes=1))
    return Run(bench, signoff, portrait(bench, signoff, seen or snapshot()), f"{bench}.html")


def test_of_each_device_the_newest_run_counts_and_versions_stand_together() -> None:
    runs = [run("lb02", 1, version="1.9-10"), run("lb01", 3), run("lb01", 1, "FAIL")]
    fleet = make_fleet([*runs, run("lb03", 1)])
    assert [(one.bench, one.version) for one in fleet.members] == [
        ("lb02", "1.9.10"),
        ("lb01", "1.10.2"),
        ("lb03", "1.10.2"),
    ]
    assert fleet.members[1].outcomes == {"S29": Outcome.PASS, "S33": Outcome.PASS}
    assert [row for row, _ in fleet.rows] == ["S29", "S33"]
    assert fleet.drift == (
        ("versions", (Difference("DPVS", "1.9.10; the others: 1.10.2", ("lb02",)),)),
    )


def test_what_differs_is_named_with_the_fewer() -> None:
    other = snapshot("worker_defs {\n    worker cpu0 {\n        type slave ! by hand\n    }\n}\n")
    other = other.replace("FullNat 1      5          7", "FullNat 9      0          0")
    busy = snapshot().replace("5          7", "900        1")
    runs = [run("lb01", 1), run("lb02", 1, seen=busy), run("lb03", 1, seen=other)]
    ((heading, found),) = make_fleet(runs).drift
    assert heading == "fnat-two-arm, DPVS 1.10.2"
    assert {(one.topic, one.words) for one in found} == {
        ("dpvs.conf", "only here: worker_defs / worker cpu0 / type slave"),
        ("dpvs.conf", "missing here: worker_defs / worker cpu0 / type master"),
        ("rules", "only here: TCP 10.0.96.204:80 -> 192.168.229.1:80 FullNat 9"),
        ("rules", "missing here: TCP 10.0.96.204:80 -> 192.168.229.1:80 FullNat 1"),
    }
    assert {one.names for one in found} == {("lb03",)}


def test_devices_that_are_alike_or_were_not_read_have_no_drift() -> None:
    blocked = run("lb03", 1, version="unknown", seen="{}")
    assert make_fleet([run("lb01", 1), run("lb02", 2), blocked]).drift == ()


def test_a_trend_says_since_when_a_row_is_red_and_how_often_it_was_flaky() -> None:
    outcomes = ("FAIL", "PASS", "FLAKY", "FAIL")
    (trend,) = make_fleet([run("lb01", day, one) for day, one in enumerate(outcomes)]).trends
    assert (trend.row, trend.now, trend.runs, trend.red, trend.flaky) == (
        *("S33", Outcome.FAIL, 4, 3, 1),
    )
    assert trend.since == STARTED + timedelta(days=2, minutes=1)
    assert trend.flaky_rate == 0.25
    (over,) = make_fleet([run("lb01", 0, "FAIL"), run("lb01", 1)]).trends
    assert over.since is None


def test_what_drifted_on_one_device() -> None:
    before, now = run("lb01", 1).portrait, run("lb01", 2, version="1.9-10").portrait
    more = portrait("lb01", run("lb01", 2).signoff, snapshot("a {\n    b 1\n}\n"))
    assert drifted(before, now) == [("DPVS", "1.10-2", "1.9-10")]
    assert drifted(before, more) == [
        ("dpvs.conf", "worker_defs / worker cpu0 / type master", "–"),
        ("dpvs.conf", "–", "a / b 1"),
    ]
    assert drifted(before, before) == []


def test_an_unreadable_snapshot_costs_its_topics_only() -> None:
    for broken in ("", "{", "[]", '{"sections": []}', '{"sections": {"dpvs.conf": 3}}'):
        assert portrait("lb01", run("lb01", 1).signoff, broken).lines == {}


def test_the_page_and_the_lines_name_each_device() -> None:
    hostile = "<b>lb</b>"
    fleet = make_fleet([run("lb01", 1, "FAIL"), run(hostile, 1, version="1.9-10")])
    page = render_fleet(fleet)
    assert hostile not in page
    assert "&lt;b&gt;lb&lt;/b&gt;" in page
    assert 'href="lb01.html"' in page
    assert 'title="lb01 S33: FAIL">✗' in page
    lines = list(to_lines(fleet))
    assert lines[1].startswith("lb01       1.10.2    fnat-two-arm  NOT READY  red: S33")
    assert any("red since 2026-01-03 03:05" in line for line in lines)
