"""The wire in a lab: plugged in for its rules only, and out again whatever ends it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from softlab.wire.addresses import Addresses
from tests.softlab.labs import ROOT, Lab

ADDRESSES = {
    "macs": {"wan": "02:00:00:82:00:00"},
    **{name: {} for name in ("addresses", "clients", "servers")},
    **{name: [] for name in ("vips", "lips", "own")},
}
DUT, CLIENT = "10.9.9.1", "10.9.9.2"


class WireProcess:
    """`python -m softlab.wire` of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "softlab.wire", str(lab.directory)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, message: dict[str, Any]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def rules(self, *each: dict[str, Any]) -> str:
        return self.ask({"rules": each, "addresses": ADDRESSES})

    def end(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose DUT's own kernel has the wan NIC, as before DPDK takes it."""
    made = Lab(tmp_path / "lab")
    made.ssh("lb01", f"ip addr add {DUT}/24 dev eth4 && ip link set eth4 up")
    made.ssh("client1", f"ip addr add {CLIENT}/24 dev eth1")
    yield made
    made.end()


def answered(lab: Lab, count: int = 3) -> int:
    """How many of some echo requests are answered; a duplicate counts as one more."""
    said = lab.try_ssh("client1", f"ping -n -i 0.05 -W 1 -c {count} {DUT}").stdout
    return said.count("bytes from")


def test_frames_pass_the_wire_as_its_rules_say(lab: Lab) -> None:
    assert answered(lab) == 3
    wire = WireProcess(lab)
    try:
        assert wire.rules({"do": "watch", "kind": "echo"}, {"do": "watch", "kind": "udp"}) == "ok"
        assert answered(lab) == 3
        assert json.loads(wire.ask({"hits": True})) == [3, 0]
        assert wire.rules({"do": "drop", "kind": "echo-reply", "leg": "leaving"}) == "ok"
        assert answered(lab) == 0
        assert wire.rules({"do": "double", "kind": "echo-reply"}) == "ok"
        assert answered(lab, 2) > 2
        assert wire.rules({"do": "lose"}).startswith("error do: there is no 'lose'")
        assert wire.rules() == "ok"
        assert answered(lab) == 3
    finally:
        wire.end()
    assert answered(lab) == 3


def test_the_cable_is_whole_after_the_wire_is_killed_and_started_again(lab: Lab) -> None:
    wire = WireProcess(lab)
    wire.rules({"do": "drop", "kind": "ip"})
    wire.process.kill()
    wire.end()
    assert answered(lab, 1) == 0, "nothing passes a cable that was cut"
    another = WireProcess(lab)
    assert another.rules() == "ok"
    assert answered(lab) == 3
    another.end()


def test_a_lab_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "softlab.wire", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"softlab: no lab runs in {tmp_path}: ")


def test_the_addresses_of_the_test_are_whole() -> None:
    assert set(ADDRESSES) == {*Addresses.__dataclass_fields__} - {"real"}
