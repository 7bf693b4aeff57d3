"""What a host looks like that has the simulated device installed, and how fast it is."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import pytest

from softlab import simulated
from softlab.simulated import processing
from softlab.simulated.quirks import KNOWN, RSS_ONE, Quirks
from tests.softlab.simulated import devices, talk
from tests.softlab.simulated.bench import Bench

_TIMED = """
import statistics, subprocess, sys, time
taken = []
for _ in range(9):
    before = time.monotonic()
    subprocess.run(sys.argv[1:], capture_output=True, check=True)
    taken.append(time.monotonic() - before)
print(statistics.median(taken))
"""
TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived")


@pytest.mark.parametrize("version", ["1.10.2", "1.9.10", "1.8.10"])
def test_tools_and_links(tmp_path: Path, version: str) -> None:
    simulated.install(tmp_path, version)
    for tool in TOOLS:
        launcher = tmp_path / "opt/dpvs/bin" / tool
        assert os.access(launcher, os.X_OK)
        assert str((tmp_path / "usr/sbin" / tool).readlink()) == f"/opt/dpvs/bin/{tool}"
    assert f'"{version}"' in (tmp_path / "etc/dpvs-simulated.json").read_text()


def test_twice(tmp_path: Path) -> None:
    simulated.install(tmp_path, "1.9.10")
    simulated.install(tmp_path, "1.10.2")
    assert '"1.10.2"' in (tmp_path / "etc/dpvs-simulated.json").read_text()


def test_version_that_cannot_be_emulated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1\.7\.8"):
        simulated.install(tmp_path, "1.7.8")
    assert list(tmp_path.iterdir()) == []


def test_quirks() -> None:
    """A value: made as a whole, of known points only."""
    quirks = Quirks(frozenset({RSS_ONE}))
    assert quirks.has(RSS_ONE)
    assert not Quirks().has(RSS_ONE)
    assert RSS_ONE in KNOWN
    with pytest.raises(ValueError, match=r"no\.such"):
        Quirks(frozenset({"no.such"}))
    with pytest.raises(AttributeError):
        quirks.points = frozenset()  # type: ignore[misc]


def test_tools_start_at_once(tmp_path: Path) -> None:
    """Within 60 ms of what the interpreter itself takes, here and now."""
    bench = Bench(tmp_path, "1.10.2")
    try:
        bench.start()
        bench.configure()

        script = tmp_path / "time.py"
        script.write_text(_TIMED)

        def median(command: str) -> float:
            return float(bench.lb.run(f"python3 {script} {command}"))

        bare = median("/usr/bin/python3 -SE -c pass")
        for command in ("dpip link show", "dpip addr show", "ipvsadm -ln", "dpip -V", "dpvs -v"):
            assert median(command) - bare < 0.06, command
    finally:
        bench.close()


def test_packets_per_second() -> None:
    """The data path alone forwards some thousands of packets in a second, both ways."""
    path = devices.recorded()
    talk.know(path)
    conversation = talk.Talk(path)
    syn = conversation.open()
    request = conversation.segment("A", b"x" * 1000, ack=conversation.isn + 2)
    answer = conversation.answer(syn, "A", b"y" * 1000, seq=5002, ack=syn[talk.TCP].seq + 1)
    to_vip = bytes(talk.Ether(src=devices.CLIENT_MAC, dst=devices.WAN_MAC) / request)
    to_lip = bytes(talk.Ether(src=talk.RS1_MAC, dst=devices.LAN_MAC) / answer)
    rates = []
    for _ in range(5):
        before = time.monotonic()
        for _ in range(500):
            assert len(processing.step(path, to_vip, devices.WAN, 2.0)) == 1
            assert len(processing.step(path, to_lip, devices.LAN, 2.0)) == 1
        rates.append(1000 / (time.monotonic() - before))
    assert statistics.median(rates) > 3000
