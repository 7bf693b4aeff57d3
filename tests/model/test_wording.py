"""Errors of a declaration in our words: file, line, key, what is expected and what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.model.wording import MOST
from dpvs_acceptance.verdict.waivers import load_waivers

ROOT = Path(__file__).parents[2]
TOPOLOGY = (ROOT / "topologies/fnat-two-arm.yaml").read_text(encoding="utf-8")
BENCH = (ROOT / "benches/lb01.example.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "client1: {link: wan, address: 10.0.96.101,",
            "client1: {link: wan, address: 10.0.96.1011,",
            "clients.client1.address: expected an IPv4 address, found '10.0.96.1011'",
        ),
        (
            'address6: "2001:db8:96::101"}',
            'address6: "2001:db8:96::g"}',
            "clients.client1.address6: expected an IPv6 address, found '2001:db8:96::g'",
        ),
        ("gateway: 10", "gatewy: 10", "links.wan.gatewy: unknown key; did you mean gateway?"),
        ("10.0.96.0/24", "10.0.96.0/33", "expected an IPv4 network, found '10.0.96.0/33'"),
        ("wan: [10.0.96.204, ", "wan: [10.0.96, ", "vips.wan.0: expected an IPv4 or IPv6 address"),
    ],
)
def test_a_topology(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TOPOLOGY
    path = tmp_path / "ours.yaml"
    path.write_text(TOPOLOGY.replace(old, new, 1))
    with pytest.raises(DeclarationError) as error:
        load_topology(path)
    (line,) = [one for one in str(error.value).splitlines() if said in one]
    assert line.startswith(f"{path}:{TOPOLOGY[: TOPOLOGY.index(old)].count(chr(10)) + 1}: ")
    assert "lax-or-strict" not in str(error.value)
    assert "Input should" not in str(error.value)


@pytest.mark.parametrize("text", ["12:34:56:12:34:56", "1:04:00.0"])
def test_what_yaml_takes_for_a_number_has_to_be_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(f"name: lb01\ndut:\n  nics:\n    - {{mac: {text}}}\n")
    with pytest.raises(DeclarationError) as error:
        load_bench(path)
    assert str(error.value) == f'{path}:4: dut.nics.0.mac: must be quoted: "{text}"'


def test_of_one_file_the_first_problems_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("requirements:\n" + "".join(f"  - {{id: S{n}}}\n" for n in range(10, 40)))
    with pytest.raises(DeclarationError) as error:
        load_requirements([path])
    lines = str(error.value).splitlines()
    assert len(lines) == MOST + 1
    assert lines[-1] == f"{path}: and {30 * 4 - MOST} more problems"


def test_a_date_of_a_waiver(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    row = "{requirement: S01, reason: r, owner: o, issue: i, expires: soon}"
    path.write_text(f"waivers:\n  - {row}\n")
    with pytest.raises(DeclarationError) as error:
        load_waivers(path, ["S01"])
    said = "waiver 1: expires: expected a date such as 2026-12-31, found 'soon'"
    assert str(error.value) == f"{path}:2: {said}"
