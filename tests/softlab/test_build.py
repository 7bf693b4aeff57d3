"""The DUT for a DPVS build of the user's own: two arms, the build in its place, a silent kernel."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from softlab.hugepages import PAGES
from tests.softlab.labs import ROOT, Lab, command

SAYS = "dpvs version: 1.10-2, build on 2025.06.30.12:00:00"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    place = tmp_path_factory.mktemp("build")
    home, spec = a_build(place)
    lab = Lab(place / "lab", "--spec", str(spec))
    yield lab, home
    lab.end()


def a_build(place: Path) -> tuple[Path, Path]:
    """A directory that is a DPVS build as far as the lab looks, and the lab's specification."""
    home, spec = place / "dpvs home", place / "lab.json"
    (home / "bin").mkdir(parents=True)
    (home / "bin/dpvs").write_text(f"#!/bin/sh\necho '{SAYS}'\n")
    (home / "bin/dpvs").chmod(0o755)
    spec.write_text(json.dumps({"device": "build", "dpvs_home": str(home)}))
    return home, spec


def test_the_build_is_found_at_both_paths_and_cannot_be_changed(build: tuple[Lab, Path]) -> None:
    lab, home = build
    assert lab.ssh("lb01", "dpvs -v") == f"{SAYS}\n"
    for place in (str(home), "/opt/dpvs-home"):
        assert lab.ssh("lb01", f"'{place}/bin/dpvs' -v") == f"{SAYS}\n"
        assert lab.try_ssh("lb01", f"touch '{place}/x'").returncode != 0


def test_the_arms_are_veths_that_the_kernel_does_not_answer_on(build: tuple[Lab, Path]) -> None:
    lab, _ = build
    links = {link["ifname"]: link for link in json.loads(lab.ssh("lb01", "ip -j link"))}
    assert set(links) == {"lo", "eth0", "eth2", "eth4", "eth6"}
    assert "UP" not in links["eth6"]["flags"]
    lab.ssh("lb01", "ip addr add 192.168.229.9/24 dev eth2; ip addr add 10.0.96.9/24 dev eth4")
    lab.ssh("rs1", "ip addr add 192.168.229.1/24 dev eth1")
    lab.ssh("client1", "ip addr add 10.0.96.101/24 dev eth1")
    # What arrives is seen by a packet socket, as DPVS's port has it, and by nothing else.
    watch = (
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); "
        "s.bind(('eth2', 3)); s.settimeout(5); print('armed', flush=True); "
        "f = iter(lambda: s.recv(2000), None); "
        "print(next(x[6:12].hex() for x in f if x[12:14] == bytes((8, 6))))"
    )
    lab.ssh(
        "lb01",
        f'python3 -c "{watch}" >/tmp/seen 2>&1 </dev/null & '
        "until grep -q armed /tmp/seen; do sleep 0.02; done",
    )
    assert lab.try_ssh("rs1", "ping -c1 -W1 192.168.229.9").returncode != 0
    assert lab.try_ssh("client1", "ping -c1 -W1 10.0.96.9").returncode != 0
    assert lab.ssh("lb01", "cat /tmp/seen") == "armed\n020000010021\n"


def test_its_bench_names_the_build(build: tuple[Lab, Path]) -> None:
    lab, home = build
    bench = yaml.safe_load((lab.directory / "bench.yaml").read_text())
    assert bench["kind"] == "software lab"
    assert bench["dut"]["dpvs"] == {"home": str(home), "version": "1.10.2"}
    assert [(nic["name"], nic["link"]) for nic in bench["dut"]["nics"]] == [
        ("eth2", "lan"),
        ("eth4", "wan"),
    ]


def hugepages_of(pid: int) -> list[int]:
    """How many pages the lab of a supervisor has noted as its own."""
    return [int(note.read_text()) for note in Path("/run/dpvs-softlab").glob(f"hugepages-{pid}-*")]


def test_hugepages_are_given_back_also_those_of_a_killed_lab(tmp_path: Path) -> None:
    _, spec = a_build(tmp_path)
    lab = Lab(tmp_path / "one", "--spec", str(spec))
    assert hugepages_of(lab.process.pid) == [PAGES]
    assert int(Path("/proc/sys/vm/nr_hugepages").read_text()) >= PAGES
    lab.end()
    assert hugepages_of(lab.process.pid) == []
    killed = Lab(tmp_path / "other", "--spec", str(spec))
    killed.kill(signal.SIGKILL)
    assert hugepages_of(killed.process.pid) == [PAGES], "then this test shows nothing"
    Lab(tmp_path / "third").end()  # any lab that starts
    assert hugepages_of(killed.process.pid) == []


def test_what_is_no_build_is_told_in_one_sentence(tmp_path: Path) -> None:
    home, spec = a_build(tmp_path)
    (home / "bin/dpvs").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    done = subprocess.run(
        command(tmp_path / "lab", "--spec", str(spec)),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"softlab: {spec}: dpvs_home: {home}/bin/dpvs -v does not say a version: broken\n"
    )
