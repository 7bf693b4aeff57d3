"""A run on the software lab, stored, verified, tampered with, verified again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dpvs_acceptance.traffic.frame import read_pcap, write_pcap
from dpvs_acceptance.verdict.manifest import make_manifest, read_manifest, write_manifest

ROOT = Path(__file__).parents[2]
CHECKS = ("suites/control", "suites/forwarding/test_icmp.py", "suites/client_address/test_toa.py")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's directory."""
    reports = tmp_path_factory.mktemp("reports")
    command = [sys.executable, "-m", "pytest", "-q", f"--reports={reports}", *CHECKS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    return (reports / "latest").resolve()


def verified(run: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dpvs_acceptance", "verify", str(run)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_untouched_run_verifies_anywhere(kept: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(kept, tmp_path / "moved")
    ran = verified(moved)
    assert ran.returncode == 0, ran.stdout
    assert "nothing was altered; the verdict is the same: PARTIAL" in ran.stdout
    skipped = [line for line in ran.stdout.splitlines() if line.startswith("  suites/")]
    assert not [line for line in skipped if "the transcript has no answer" in line], skipped


def _wrong_vip(run: Path) -> str:
    path = run / "evidence" / "snapshots" / "dut.json"
    text = path.read_text()
    assert "inet 10.0.96.204/32" in text
    path.write_text(text.replace("inet 10.0.96.204/32", "inet 10.0.96.205/32"))
    return "test_each_vip_is_on_its_port_and_only_there"


def _one_bit_of_toa(run: Path) -> str:
    folder = run / "evidence" / "captures"
    for path in folder.glob("test_toa_is_exact*client1*/attempt-1/rs*.pcap"):
        data = bytearray(path.read_bytes())
        if (at := data.find(b"\xfe\x08")) > 0:
            data[at + 5] ^= 1
            path.write_bytes(data)
    return "test_toa_is_exact_and_on_exactly_the_packets_it_belongs_on[client1-web]"


def _one_echo_reply_less(run: Path) -> str:
    (path,) = (run / "evidence" / "captures").glob("test_the_vip*client1*/attempt-1/client1.pcap")
    frames = read_pcap(path)
    replies = [at for at, frame in enumerate(frames) if frame.data[34:36] == b"\0\0"]
    write_pcap(path, [frame for at, frame in enumerate(frames) if at != replies[3]])
    return "test_the_vip_answers_icmp_echo[client1-10.0.96.204]"


def _what_the_rs_said(run: Path) -> str:
    path = run / "evidence" / "transcript.jsonl"
    text = path.read_text()
    assert "Your IP and port is 10.0.96.101" in text
    path.write_text(
        text.replace("Your IP and port is 10.0.96.101", "Your IP and port is 10.0.96.9")
    )
    return "test_a_real_server_sees_the_client[client1-web]"


@pytest.mark.parametrize(
    "tamper", [_wrong_vip, _one_bit_of_toa, _one_echo_reply_less, _what_the_rs_said]
)
def test_evidence_that_no_longer_makes_the_verdict_is_found_under_a_new_manifest(
    kept: Path, tmp_path: Path, tamper: Callable[[Path], str]
) -> None:
    run = shutil.copytree(kept, tmp_path / "run")
    check = tamper(run)
    ran = verified(run)
    assert ran.returncode == 1
    assert ": was altered" in ran.stdout
    manifest = read_manifest(run)
    write_manifest(
        make_manifest(run, manifest.run, manifest.suite_version, manifest.suite_commit, {}), run
    )
    ran = verified(run)
    assert ran.returncode == 1, ran.stdout
    assert f"{check}: PASS is written, on the stored evidence it is FAIL" in ran.stdout
    assert ": was altered" not in ran.stdout
