"""A fleet: many services from one declaration, and from one ipvsadm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.service import services
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
FILE = ROOT / "topologies" / "services-200.yaml"


def test_its_services_are_like_the_first_one_each_on_a_port_of_its_own() -> None:
    topology = load_topology(FILE)
    many = topology.services_of("many")
    assert len(many) == 200
    assert [one.port for one in many] == list(range(10000, 10200))
    assert {one.model_copy(update={"name": "web", "port": 80}) for one in many} == {
        topology.service("web")
    }
    assert len({one.name for one in many}) == 200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("like: web", "like: wep", "fleets.0.like: unknown service 'wep'"),
        ("name: many", "name: web", "fleets.0.name: duplicate name 'web'"),
        (
            "first_port: 10000",
            "first_port: 70",
            "fleets.0.first_port: port 80 is already used by web",
        ),
        ("first_port: 10000", "first_port: 65500", "fleets.0.count: its last port would be 65699"),
        ("count: 200", "count: 2001", "fleets.0.count: expected at most 2000, found 2001"),
    ],
)
def test_one_that_cannot_be_is_a_sentence_with_its_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = FILE.read_text("utf-8")
    assert old in text
    path = tmp_path / "x.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError) as error:
        load_topology(path)
    assert said in str(error.value)


def test_one_ipvsadm_is_told_of_all_of_them(tmp_path: Path) -> None:
    bench = load_bench(ROOT / "benches" / "lb01.example.yaml")
    deployment = deploy(load_topology(FILE), bench)
    fleet = next(change for change in services(deployment) if change.id == "fleet.many")
    home = bench.dut.dpvs.home
    reader = f"{home}/bin/ipvsadm -R"
    assert fleet.apply.endswith(reader)
    said = subprocess.run(
        ["sh", "-c", fleet.apply.replace(reader, "cat")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout.splitlines()
    lan = deployment.port("lan").name
    assert said[:4] == [
        "-A -t 10.0.96.204:10000 -s rr",
        "-a -t 10.0.96.204:10000 -r 192.168.229.1:80 -b -w 1",
        "-a -t 10.0.96.204:10000 -r 192.168.229.2:80 -b -w 1",
        f"--add-laddr -z 192.168.229.204 -t 10.0.96.204:10000 -F {lan}",
    ]
    assert len(said) == 4 * 200
    assert said[-1].split()[-3] == "10.0.96.204:10199"
