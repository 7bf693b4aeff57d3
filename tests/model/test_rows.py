"""The rows of upstream's checklist that follow from what is declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.model.rows import DECLARED, FAMILIES, MANY, is_family, row_of, rows_of
from dpvs_acceptance.model.topology import Topology, load_topology
from reports.topologies import documented

ROOT = Path(__file__).parents[2]
TOPOLOGIES = [load_topology(path) for path in documented()]


def topology(name: str) -> Topology:
    return next(one for one in TOPOLOGIES if one.name == name)


@pytest.mark.parametrize(
    ("service", "rows"),
    [
        ("web", ["FWD-01", "TOA-02", "", "SCH-01", "DEV-10"]),
        ("web6", ["FWD-03", "TOA-04", "", "SCH-01", "DEV-10"]),
        ("echo", ["FWD-06", "", "TOA-07", "SCH-01", "DEV-10"]),
    ],
)
def test_a_service_of_the_articles_topology_is_of_these_rows(service: str, rows: list[str]) -> None:
    words = ("fullnat", "toa", "uoa", "round robin", "kni")
    assert [row_of(word, topology("fnat-two-arm"), service) for word in words] == rows


@pytest.mark.parametrize("name", ["dr-one-arm", "tunnel-one-arm", "nat-one-arm", "synproxy"])
def test_no_other_mode_is_taken_for_fullnat(name: str) -> None:
    services = topology(name).services
    assert services
    for service in services:
        if service.forwarding != "fullnat" or service.synproxy:
            rows = {
                row_of(word, topology(name), service.name) for word in ("fullnat", "toa", "uoa")
            }
            assert rows == {""}, service.name


@pytest.mark.parametrize(("name", "row"), [("services-200", "FWD-26"), ("services-1000", "FWD-27")])
def test_a_fleet_is_of_the_row_of_its_size(name: str, row: str) -> None:
    assert row_of(MANY, topology(name), "many") == row
    assert row_of(MANY, topology("fnat-two-arm"), "many") == ""


def test_what_is_no_family_is_an_id() -> None:
    assert row_of("S29", None, "") == "S29"
    assert row_of("fullnat", None, "web") == row_of("fullnat", topology("fnat-two-arm"), "x") == ""


def test_every_row_of_a_family_exists() -> None:
    known = {one.id for one in load_requirements(sorted((ROOT / "requirements").glob("*.yaml")))}
    found = {
        row_of(word, one, service.name)
        for word in (*FAMILIES, *DECLARED)
        for one in TOPOLOGIES
        for service in one.services
    }
    assert is_family("fullnat")
    assert found - {""} <= known
    for word in (*FAMILIES, *DECLARED, MANY):
        assert rows_of(word) <= known
    assert found - {""} <= {row for word in (*FAMILIES, *DECLARED) for row in rows_of(word)}
    assert {"FWD-01", "FWD-03", "FWD-06", "TOA-02", "TOA-04", "TOA-07", "SCH-01"} <= found


def test_every_service_is_of_the_row_of_its_mode() -> None:
    words = {"dr-one-arm": {"FWD-18", "FWD-19"}, "tunnel-one-arm": {"FWD-16", "FWD-17"}}
    words |= {"nat-one-arm": {"FWD-20", "FWD-21"}, "nat64": {"FWD-02", "FWD-07"}}
    words |= {"synproxy": {"FWD-04"}, "udp-uoa-opp": {"FWD-06", "FWD-07", "FWD-08"}}
    for name, rows in words.items():
        services = topology(name).services
        assert {row_of("forwarding", topology(name), one.name) for one in services} == rows, name
    told = [row_of("client's address", topology("udp-uoa-opp"), s) for s in ("echo", "echo64")]
    assert told == ["TOA-07", "TOA-08"]
    assert row_of("client's address", topology("dr-one-arm"), "web") == ""
    assert row_of("every mode", topology("checklist"), "dr") == "FWD-25"
    assert row_of("every mode", topology("dr-one-arm"), "web") == ""
