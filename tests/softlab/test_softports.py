"""Software ports by kind: what a build or a lab has none of is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from softlab import softports
from softlab.spec import LabSpec


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What of a build tells its drivers, in the words of DPDK 24.11 and of 20.11."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dpvs").write_bytes(
        b'\x7fELF\0PMD_INFO_STRING= {"name": "net_af_packet", "params": "iface=<string>"}\0'
        b'PMD_INFO_STRING= {"name" : "net_null", "params" : ""}\0'
    )
    return tmp_path


def test_the_drivers_of_a_build_are_those_that_it_says(build: Path) -> None:
    assert softports.drivers(build) == {"net_af_packet", "net_null"}
    softports.check(build, "af_packet")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("tap", "has no net_tap: of software ports it has net_af_packet"),
        ("memif", "a lab has no ports of net_memif: its other end is another program of DPDK's"),
        ("pcap", "Start dpdk0 failed"),
        ("nonsense", "no software ports called 'nonsense'; there are af_packet, tap"),
    ],
)
def test_what_is_not_there_is_one_sentence(build: Path, kind: str, words: str) -> None:
    with pytest.raises(softports.NoPort) as refused:
        softports.check(build, kind)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_program_that_does_not_say_its_drivers_is_not_refused(build: Path) -> None:
    (build / "bin/dpvs").write_bytes(b"stripped of its words")
    softports.check(build, "tap")


def test_each_kind_takes_the_frames_of_the_nic() -> None:
    wan = LabSpec(device="build").nics[-1]
    assert softports.KINDS["af_packet"].arguments(wan) == f"iface={wan.name}"
    assert softports.KINDS["tap"].arguments(wan) == f"iface=tap-{wan.name},mac={wan.mac}"
