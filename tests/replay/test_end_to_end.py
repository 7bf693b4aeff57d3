"""A run on the software lab, stored, verified, tampered with, verified again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dpvs_acceptance.traffic.frame import read_pcap, write_pcap
from dpvs_acceptance.verdict.manifest import (
    altered,
    make_manifest,
    read_manifest,
    write_manifest,
)
from tests.pipeline import Pipeline

ROOT = Path(__file__).parents[2]


def verified(run: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dpvs_acceptance", "verify", str(run)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_untouched_run_verifies_anywhere(pipeline: Pipeline, tmp_path: Path) -> None:
    moved = shutil.copytree(pipeline.run, tmp_path / "moved")
    ran = verified(moved)
    assert ran.returncode == 0, ran.stdout
    assert "nothing was altered; the verdict is the same: PARTIAL" in ran.stdout
    skipped = [line for line in ran.stdout.splitlines() if line.startswith("  suites/")]
    assert not skipped, "every check keeps what it judged"


def test_a_run_of_another_mode_verifies_with_each_of_its_captures(tmp_path: Path) -> None:
    """Checks of modes capture once for each request."""
    command = [sys.executable, "-m", "pytest", "--topology=nat64", f"--reports={tmp_path}"]
    subprocess.run([*command, "suites/modes"], cwd=ROOT, capture_output=True, check=True)
    (manifest,) = tmp_path.glob("runs/*/manifest.json")
    assert list(manifest.parent.rglob("client1.2.pcap"))
    ran = verified(manifest.parent)
    assert ran.returncode == 0, ran.stdout
    skipped = [line for line in ran.stdout.splitlines() if line.startswith("  suites/")]
    assert not skipped, skipped


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
    return "test_toa_is_exact_and_on_the_right_packets[client1-web]"


def _one_echo_reply_less(run: Path) -> str:
    (path,) = (run / "evidence" / "captures").glob(
        "test_the_vip*client1-10*/attempt-1/client1.pcap"
    )
    frames = read_pcap(path)
    replies = [at for at, frame in enumerate(frames) if frame.data[34:36] == b"\0\0"]
    write_pcap(path, [frame for at, frame in enumerate(frames) if at != replies[3]])
    return "test_the_vip_answers_icmp_echo[client1-10.0.96.204]"


def _nothing_came_to_an_rs(run: Path) -> str:
    captures = run / "evidence" / "captures"
    (path,) = captures.glob("test_connections_are_spread*/attempt-1/rs1.pcap")
    write_pcap(path, [])
    return "test_connections_are_spread_as_the_scheduler_promises[web]"


def _frames_that_were_lost(run: Path) -> str:
    folder = run / "evidence" / "captures"
    (path,) = folder.glob("test_no_packet_of_many*/attempt-1/rs1.pcap.json")
    path.write_text(path.read_text().replace('"dropped": 0', '"dropped": 5'))
    return "test_no_packet_of_many_connections_is_lost_or_duplicated[web]"


def _somebody_answers_arp(run: Path) -> str:
    """The address that nobody has is the VIP: so the port answers for both."""
    folder = run / "evidence" / "captures"
    (path,) = folder.glob("test_the_vip_is_on_no_other*/attempt-1/rs1.pcap")
    lip, vip = bytes((192, 168, 229, 204)), bytes((10, 0, 96, 204))
    frames = read_pcap(path)
    forged = [replace(one, data=one.data.replace(lip, vip)) for one in frames]
    write_pcap(path, frames + forged)
    return "test_the_vip_is_on_no_other_link[10.0.96.204]"


def _another_client_is_tracked(run: Path) -> str:
    path = run / "evidence" / "transcript.jsonl"
    assert "10.0.96.150:" in path.read_text()
    path.write_text(path.read_text().replace("10.0.96.150:", "10.0.96.151:"))
    return "test_a_connection_is_tracked_while_it_lasts[web]"


def _what_the_rs_said(run: Path) -> str:
    path = run / "evidence" / "transcript.jsonl"
    text = path.read_text()
    assert "Your IP and port is 10.0.96.101" in text
    path.write_text(
        text.replace("Your IP and port is 10.0.96.101", "Your IP and port is 10.0.96.9")
    )
    return "test_a_real_server_sees_the_client[client1-web]"


TAMPERINGS: tuple[Callable[[Path], str], ...] = (
    *(_wrong_vip, _one_bit_of_toa, _one_echo_reply_less, _what_the_rs_said),
    *(_nothing_came_to_an_rs, _frames_that_were_lost, _somebody_answers_arp),
    _another_client_is_tracked,
)


def test_evidence_that_no_longer_makes_the_verdict_is_found_under_a_new_manifest(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    run = shutil.copytree(pipeline.run, tmp_path / "run")
    manifest = read_manifest(run)
    checks = []
    for number, tamper in enumerate(TAMPERINGS, 1):
        checks.append(tamper(run))
        assert len(altered(manifest, run)) >= min(number, 5), tamper.__name__
    write_manifest(
        make_manifest(run, manifest.run, manifest.suite_version, manifest.suite_commit, {}), run
    )
    ran = verified(run)
    assert ran.returncode == 1, ran.stdout
    for check in checks:
        assert f"{check}: PASS is written, on the stored evidence it is FAIL" in ran.stdout
    # The new manifest hides nothing: the run's record has the digest of each file, too.
    assert "was altered since record.json was written" in ran.stdout
    assert "was altered since manifest" not in ran.stdout
