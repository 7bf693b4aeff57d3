"""The transcript: complete, in order, bounded, and without secrets."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import transcript
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import HostError
from dpvs_acceptance.hosts.transcript import Transcript, TranscriptEntry

from .server import Server


def _entry(**fields: object) -> TranscriptEntry:
    values: dict[str, object] = {
        "host": "lb01",
        "kind": "run",
        "command": "true",
        "started": 1.5,
        "seconds": 0.25,
        "exit_status": 0,
    }
    return TranscriptEntry(**(values | fields))  # type: ignore[arg-type]


def test_one_line_per_command_with_all_about_it(server: Server, tmp_path: Path) -> None:
    with (
        Transcript(tmp_path / "run") as kept,
        connect("lb01", "lb01", server.ssh_config, kept) as h,
    ):
        with transcript.phase("survey"), transcript.check("suites/x.py::test_y"):
            h.run("echo out; echo err >&2; exit 3")
        with pytest.raises(HostError):
            h.run("echo begun; sleep 9", timeout=0.3)
        with h.open("cat; echo bye >&2"):
            pass
    connected, ran, hung, ended, opened, closed = transcript.read(tmp_path / "run/transcript.jsonl")
    assert (connected["kind"], connected["command"]) == ("connect", "lb01")
    assert (ran["phase"], ran["check"]) == ("survey", "suites/x.py::test_y")
    assert (ran["host"], ran["command"]) == ("lb01", "echo out; echo err >&2; exit 3")
    assert (ran["exit_status"], ran["stdout"], ran["stderr"]) == (3, "out\n", "err\n")
    assert 0 < ran["seconds"] < 5
    assert ran["started"].startswith(time.strftime("%Y-%m-%d", time.gmtime()))
    assert (hung["exit_status"], hung["stdout"]) == (None, "begun\n")
    assert hung["error"] == "not done in 0.3 s"
    assert "kill" in ended["command"]
    assert (opened["kind"], closed["kind"]) == ("open", "close")
    assert (closed["stderr"], closed["exit_status"]) == ("bye\n", 0)
    assert (opened["phase"], opened["check"]) == (None, None)
    assert [line["number"] for line in (connected, ran, hung, ended, opened, closed)] == list(
        range(1, 7)
    )


def test_long_output_stands_aside_with_its_digest(tmp_path: Path) -> None:
    text = "é" * transcript.LONGEST_INLINE
    with Transcript(tmp_path) as kept:
        kept.record(_entry(stdout=text, stderr="x" * transcript.LONGEST_INLINE))
    (line,) = transcript.read(kept.path)
    body = (tmp_path / line["stdout"]["file"]).read_bytes()
    assert body == text.encode()
    assert line["stdout"]["bytes"] == len(body)
    assert line["stdout"]["sha256"] == hashlib.sha256(body).hexdigest()
    assert line["stderr"] == "x" * transcript.LONGEST_INLINE


def test_secrets_are_removed_everywhere(tmp_path: Path) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n"
    conf = "vrrp_instance a {\n    auth_type PASS\n    auth_pass hunter1\n}\n"
    redact = transcript.redacting(["hunter2", "", "hunter2-longer"])
    with Transcript(tmp_path, redact) as kept:
        kept.record(
            _entry(
                command="login hunter2-longer",
                stdout=f"{key}{conf}{'x' * transcript.LONGEST_INLINE}hunter2",
                stderr="is hunter2\n-----BEGIN RSA PRIVATE KEY-----\ncut",
                error="hunter2 refused",
            )
        )
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()).decode()
    for secret in ("hunter1", "hunter2", "longer", "b3BlbnNz", "ncut"):
        assert secret not in everything
    (line,) = transcript.read(kept.path)
    assert line["command"] == "login [removed]"
    assert "auth_type PASS" in everything


def test_text_that_is_no_text_is_kept_printable(tmp_path: Path) -> None:
    with Transcript(tmp_path) as kept:
        kept.record(_entry(stdout="\udcff\0\x1b[31m\n", command="a\nb"))
    raw = kept.path.read_text()
    assert raw.isascii()
    assert raw.count("\n") == 1
    assert transcript.read(kept.path)[0]["stdout"] == "\udcff\0\x1b[31m\n"


def test_many_threads_do_not_tear_lines(tmp_path: Path) -> None:
    with Transcript(tmp_path) as kept:

        def write(number: int) -> None:
            for _ in range(50):
                kept.record(_entry(command=f"{number} " * 500))

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = transcript.read(kept.path)
    assert [line["number"] for line in lines] == list(range(1, 401))


def test_reopened_it_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        with Transcript(tmp_path) as kept:
            kept.record(_entry())
    assert [line["number"] for line in transcript.read(kept.path)] == [1, 2]
    assert (
        json.loads(kept.path.read_text().splitlines()[0])["started"] == "1970-01-01T00:00:01.500Z"
    )
