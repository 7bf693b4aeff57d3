"""A lab asked for wrongly: one sentence that names file and key."""

import subprocess
from pathlib import Path

import pytest

from softlab.asked import read_spec
from softlab.spec import LabSpec, SpecError, default_lcores
from tests.softlab.labs import ROOT, command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "lab.json: not JSON: "),
        ("[]", "lab.json: expected a JSON object, found list"),
        ('{"devise": "x"}', "lab.json: unknown key 'devise'; known are device, "),
        ('{"device": "real"}', 'lab.json: device: expected "simulated" or "build", found \'real\''),
        ('{"device": "build"}', 'lab.json: dpvs_home: device "build" needs the directory'),
        (
            '{"device": "build", "dpvs_home": "/nonexistent"}',
            "lab.json: dpvs_home: /nonexistent is not the absolute path of a directory",
        ),
        ('{"dpvs_home": "/usr"}', 'lab.json: dpvs_home: goes with device "build" only'),
        ('{"dpvs_version": 1.1}', 'lab.json: dpvs_version: expected such as "1.10.2", found 1.1'),
        ('{"router": {"dmz": []}}', "lab.json: router: no link 'dmz'; there are wan, lan, remote"),
        ('{"router": {"wan": ["10.0.0/8"]}}', "lab.json: router.wan: '10.0.0/8' is not an address"),
        ('{"places": {"lb01": "wan"}}', "lab.json: places: no host 'lb01'; there are client1, "),
        ('{"places": {"rs1": "dmz"}}', "lab.json: places.rs1: no link 'dmz'; there are wan, lan"),
        ('{"crafted": {"lb01": []}}', "lab.json: crafted: no host 'lb01'; there are client1"),
        ('{"crafted": {"client1": []}}', "lab.json: crafted.client1: expected an IPv4 address"),
        ('{"vlans": {"lan": 4095}}', "lab.json: vlans.lan: expected an id from 1 to 4094, found"),
        ('{"bonds": {"lan": 6}}', "lab.json: bonds.lan: a lab has bonds of mode 0, 1, 4, found 6"),
        ('{"machine": "guest", "bonds": {"lan": 0}}', "lab.json: bonds: a virtual machine has"),
        ('{"lcores": {"master": 0}}', "lab.json: lcores: expected "),
        (
            '{"lcores": {"master": {"id": 0, "cpus": [9999]}, "workers": []}}',
            "lab.json: lcores: lcore 0 asks for CPUs [9999]; this machine offers [",
        ),
    ],
)
def test_wrong_specifications(text: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        read_spec(text, "lab.json")
    assert str(error.value).startswith(said)


def test_an_empty_specification_is_the_default() -> None:
    assert read_spec("{}", "lab.json") == LabSpec()


def test_what_is_chosen_is_taken() -> None:
    spec = read_spec('{"dpvs_version": "1.8.10", "router": {"wan": ["10.1.0.1/16"]}}', "lab.json")
    assert spec.dpvs_version == "1.8.10"
    assert spec.router == {"wan": ("10.1.0.1/16",)}


def test_lcores_on_one_cpu_and_on_many() -> None:
    assert default_lcores((0,)).as_json() == {
        "master": {"id": 0, "cpus": [0]},
        "workers": [{"id": 1, "cpus": [0]}, {"id": 2, "cpus": [0]}],
    }
    assert default_lcores((2, 5, 7)).workers == ((1, (5,)), (2, (5,)))


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text('{"device": 1}')
    done = subprocess.run(
        command(tmp_path / "lab", "--spec", str(tmp_path / "lab.json")),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f'softlab: {tmp_path}/lab.json: device: expected "simulated" or "build", found 1\n'
    )
    assert not (tmp_path / "lab").exists()


def test_hosts_are_where_they_are_asked_for() -> None:
    spec = read_spec('{"places": {"rs1": "wan", "client2": "lan"}}', "lab.json")
    assert {host.name: host.link for host in spec.hosts} == {
        "client1": "wan",
        "client2": "lan",
        "lb01": None,
        "rs1": "wan",
        "rs2": "lan",
    }
