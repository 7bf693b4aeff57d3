"""Known changes between versions, and which of them concern a topology; drift in `diff`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.verdict.comparing import compare, to_lines
from dpvs_acceptance.verdict.upgrading import _TABLE, VersionChange, version_changes
from tests.verdict.test_fleet import run

ROOT = Path(__file__).parents[2]
FULLNAT = load_topology(ROOT / "topologies" / "fnat-two-arm.yaml")
DR = load_topology(ROOT / "topologies" / "dr-one-arm.yaml")


def found(before: str, after: str, words: str, topology: str = "fnat") -> VersionChange:
    declared = FULLNAT if topology == "fnat" else DR
    (change,) = (x for x in version_changes(before, after, declared) if words in x.words)
    return change


def test_every_fact_of_a_version_has_a_sentence() -> None:
    assert set(_TABLE) == {field.name for field in fields(VersionFacts)} - {"version", "keywords"}


def test_an_upgrade_names_what_changes_and_whom_it_concerns() -> None:
    toa = found("1.8.10", "1.9.10", "TOA is on the SYN")
    assert (toa.before, toa.after) == ("yes", "no")
    assert toa.concerns == "FullNAT services over TCP: web, web6"
    assert found("1.8.10", "1.9.10", "TOA is on the SYN", "dr").concerns == ""
    ipc = found("1.9.2", "1.9.4", "unix socket")
    assert (ipc.before, ipc.after) == ("/var/run/dpvs_ctrl", "/var/run/dpvs.ipc")
    assert ipc.concerns
    assert found("1.9.2", "1.9.4", "without a port").concerns == ""
    assert found("1.9.0", "1.9.2", "window 0").concerns == ""


def test_a_downgrade_is_told_the_other_way_round() -> None:
    assert found("1.9.10", "1.8.10", "TOA is on the SYN").after == "yes"


@pytest.mark.parametrize(("before", "after"), [("1.10-2", "1.10.2"), ("unknown", "1.10.2")])
def test_equal_and_unknown_versions_have_no_known_changes(before: str, after: str) -> None:
    assert version_changes(before, after, FULLNAT) == ()


def test_a_keyword_that_is_gone_concerns_a_configuration_that_has_it() -> None:
    gone = [x for x in version_changes("1.9.10", "1.8.10", FULLNAT) if x.after == "unknown"]
    assert gone
    assert not any(change.concerns for change in gone)
    keyword = gone[0].words.split()[1].split("/")[-1]
    (used,) = (
        x
        for x in version_changes("1.9.10", "1.8.10", FULLNAT, f"<init> {keyword} 5")
        if x.concerns.startswith("dpvs.conf") and x.words == gone[0].words
    )
    assert used.before == "known"


def test_diff_puts_what_concerns_the_topology_first() -> None:
    one, other = run("lb01", 1, version="1.8-10").signoff, run("lb01", 2).signoff
    drift = [("rules", "TCP 10.0.0.1:80 rr", "–")]
    lines = list(to_lines(compare(one, other, drift=drift, topology=FULLNAT)))
    heads = [line for line in lines if line and not line.startswith(" ")]
    assert heads[2:] == [
        "Changed facts (1)",
        "Drift of the configuration (1)",
        next(line for line in heads if "that concern this topology" in line),
        next(line for line in heads if "that do not" in line),
    ]
    assert "  rules: TCP 10.0.0.1:80 rr -> –" in lines
    assert any("TOA is on the SYN: yes -> no" in line for line in lines)
