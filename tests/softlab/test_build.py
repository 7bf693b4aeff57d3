"""The DUT for a DPVS build of the user's own: two arms, the build in its place, a silent kernel."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.softlab.labs import Lab


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    place = tmp_path_factory.mktemp("build")
    home = place / "dpvs home"
    (home / "bin").mkdir(parents=True)
    (home / "bin/dpvs").write_text("#!/bin/sh\necho a build\n")
    (home / "bin/dpvs").chmod(0o755)
    spec = place / "lab.json"
    spec.write_text(json.dumps({"device": "build", "dpvs_home": str(home)}))
    lab = Lab(place / "lab", "--spec", str(spec))
    yield lab, home
    lab.end()


def test_the_build_is_found_at_both_paths_and_cannot_be_changed(build: tuple[Lab, Path]) -> None:
    lab, home = build
    for place in (str(home), "/opt/dpvs-home"):
        assert lab.ssh("lb01", f"'{place}/bin/dpvs'") == "a build\n"
        assert lab.try_ssh("lb01", f"touch '{place}/x'").returncode != 0


def test_the_arms_are_veths_that_the_kernel_does_not_answer_on(build: tuple[Lab, Path]) -> None:
    lab, _ = build
    links = {link["ifname"]: link for link in json.loads(lab.ssh("lb01", "ip -j link"))}
    assert set(links) == {"lo", "eth0", "eth2", "eth4"}
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
    assert bench["dut"]["dpvs"]["home"] == str(home)
    assert [(nic["name"], nic["link"]) for nic in bench["dut"]["nics"]] == [
        ("eth2", "lan"),
        ("eth4", "wan"),
    ]
