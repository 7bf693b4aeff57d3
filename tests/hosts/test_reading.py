"""Batches, snapshots and the survey: one round trip, nothing lost to what hangs or prints noise."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import survey, transcript
from dpvs_acceptance.hosts.batch import LONGEST_SECTION, Read, Section, batch
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import ConnectionLostError, HostError
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError, take, take_all

from .proxy import Proxy
from .server import Server, wait_gone


def _round_trips(kept: transcript.Transcript) -> int:
    return len(transcript.read(kept.path))


def test_many_reads_are_one_round_trip(
    host: Host, shared_transcript: transcript.Transcript
) -> None:
    before = _round_trips(shared_transcript)
    wanted = {f"read {n}": f"echo {n}; echo error {n} >&2; exit {n}" for n in range(60)}
    sections = batch(host, wanted)
    assert _round_trips(shared_transcript) == before + 1
    last = transcript.read(shared_transcript.path)[-1]
    assert last["title"].startswith("60 reads: read 0, read 1, ")
    assert list(sections) == list(wanted)
    for n, section in enumerate(sections.values()):
        assert (section.stdout, section.stderr) == (f"{n}\n", f"error {n}\n")
        assert (section.exit_status, section.note) == (n, "")
        assert section.ok == (n == 0)
        assert section.command == wanted[f"read {n}"]


def test_one_that_prints_without_end_does_not_lose_what_came_before(host: Host) -> None:
    sections = batch(
        host, {"first": "echo 1", "floods": Read("yes dpvs", timeout=50), "never": "echo 3"}, 60
    )
    assert sections["first"].stdout == "1\n"
    assert sections["floods"].stdout.startswith("dpvs\n" * 1000)
    assert sections["floods"].note == "not finished when the output limit was reached"
    assert len(sections["floods"].stdout) == LONGEST_SECTION
    assert sections["never"].note == "not run: the output limit was reached"


def test_one_that_prints_too_much_is_cut_and_the_others_go_on(host: Host) -> None:
    sections = batch(host, {"long": "yes dpvs | head -c 5000000", "next": "echo 3"})
    assert sections["long"].note == "printed more than 4 MB"
    assert not sections["long"].ok
    assert len(sections["long"].stdout) == LONGEST_SECTION
    assert sections["next"].stdout == "3\n"


def test_a_runner_that_was_suspended_concludes_nothing(host: Host) -> None:
    """What a host prints meanwhile does not fit into the pipes, and its deadline goes on."""
    asleep = f"kill -STOP {os.getpid()}; sleep 4; kill -CONT {os.getpid()}"
    with (
        subprocess.Popen(["sh", "-c", f"sleep 0.5; {asleep}"]),
        pytest.raises(HostError, match=r"the runner got no CPU time for [34]\.\d s"),
    ):
        batch(host, {"late": Read("sleep 1; yes dpvs | head -c 15000000", timeout=2)})


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_sections_do_not_see_each_other(host: Host, timeout: float | None) -> None:
    sections = batch(
        host,
        {
            "sets": Read("x=1; cd /usr; exec 3</dev/null; exit 3", timeout),
            "syntax": Read("if then", timeout),
            "looks": Read('echo "${x-unset} $PWD"; cat', timeout),
        },
    )
    assert sections["sets"].exit_status == 3
    assert sections["looks"].stdout.startswith("unset ")
    assert "/usr" not in sections["looks"].stdout
    assert sections["syntax"].exit_status == 2
    assert "yntax error" in sections["syntax"].stderr


def test_output_may_be_anything(host: Host, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(os.urandom(200_000) + b"\n\n")
    sections = batch(
        host,
        {
            "nothing": "true",
            "no newline": "printf x",
            "newlines": "printf '\\n\\n'",
            "random": f"cat {blob}",
            "frames": "printf '\\nabc - 1 0 1.0 2.0\\n'",
            "after": "echo after",
        },
    )
    assert sections["nothing"].stdout == ""
    assert sections["no newline"].stdout == "x"
    assert sections["newlines"].stdout == "\n\n"
    assert sections["random"].stdout == blob.read_bytes().decode("utf-8", "replace")
    assert sections["frames"].stdout == "\nabc - 1 0 1.0 2.0\n"
    assert sections["after"].stdout == "after\n"


def test_one_that_hangs_does_not_lose_the_others(host: Host, nap: str) -> None:
    begin = time.monotonic()
    sections = batch(
        host,
        {
            "first": "echo 1",
            "hangs": Read(f"echo begun; trap '' TERM; sleep {nap}; sleep {nap}", timeout=0.3),
            "last": "echo 3",
        },
    )
    assert time.monotonic() - begin < 4
    assert (sections["first"].stdout, sections["last"].stdout) == ("1\n", "3\n")
    assert (sections["hangs"].stdout, sections["hangs"].exit_status) == ("begun\n", 124)
    assert sections["hangs"].note == "no answer in 0.3 s"
    assert sections["hangs"].seconds >= 0.28
    wait_gone(nap, 2)


def test_exit_124_of_its_own_is_no_timeout(host: Host) -> None:
    section = batch(host, {"a": "exit 124"})["a"]
    assert (section.exit_status, section.note) == (124, "")


def test_group_is_silent_after_one_got_no_answer(host: Host) -> None:
    begin = time.monotonic()
    sections = batch(
        host,
        {
            "d1": Read("echo 1", group="d"),
            "d2": Read("sleep 30", timeout=0.2, group="d"),
            "d3": Read("sleep 30", timeout=5, group="d"),
            "other": Read("echo other", group="e"),
            "d4": Read("echo 4", group="d"),
            "none": "echo none",
        },
    )
    assert time.monotonic() - begin < 2
    assert sections["d1"].stdout == "1\n"
    assert sections["d3"].note == "not run: `sleep 30` failed"
    assert (sections["d4"].stdout, sections["d4"].exit_status) == ("", 124)
    assert (sections["other"].stdout, sections["none"].stdout) == ("other\n", "none\n")


def test_group_is_silent_when_its_first_fails_but_not_when_a_later_one_does(host: Host) -> None:
    sections = batch(
        host,
        {
            "a1": Read("echo ok", group="a"),
            "a2": Read("exit 1", group="a"),
            "a3": Read("echo asked", group="a"),
            "b1": Read("echo down >&2; exit 1", group="b"),
            "b2": Read("echo asked", group="b"),
        },
    )
    assert sections["a3"].stdout == "asked\n"
    assert (sections["b1"].exit_status, sections["b1"].stderr) == (1, "down\n")
    assert sections["b2"].note.startswith("not run: `echo down")


def test_end_of_all_time_keeps_what_came(host: Host, nap: str) -> None:
    sections = batch(
        host,
        {"first": "echo 1", "hangs": Read(f"echo in; sleep {nap}", None), "never": "echo 3"},
        timeout=0.5,
    )
    assert sections["first"].stdout == "1\n"
    assert sections["hangs"].stdout.startswith("in")
    assert sections["hangs"].note == "not finished when the 0.5 s for the batch were over"
    assert sections["never"].note == "not run: the 0.5 s for the batch were over"
    wait_gone(nap, 1)


def test_lost_connection_is_an_error(
    proxied: tuple[Path, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpvs_acceptance.hosts.connection.ASK_AGAIN", 0.5)
    config, proxy = proxied
    with connect("lb01", "lb01", config) as host:
        proxy.swallow()
        with pytest.raises(ConnectionLostError):
            batch(host, {"a": "true"}, timeout=0.3)


def test_what_cannot_be_framed_is_refused(host: Host) -> None:
    with pytest.raises(ValueError, match="too long"):
        batch(host, {"a": "x" * 200_000})
    with pytest.raises(ValueError, match="NUL"):
        batch(host, {"a": "\0"})
    assert batch(host, {}) == {}


def test_snapshot_is_frozen_and_comes_back_from_json(host: Host) -> None:
    snapshot = take(host, {"a": "echo a", "fails": "echo bad >&2; exit 4", "é": "printf '\\377'"})
    assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json()))) == snapshot
    with pytest.raises(TypeError):
        snapshot.sections["a"] = Section("", 0, "", 0.0)  # type: ignore[index]
    assert snapshot.host == "lb01"
    assert snapshot.taken_at.endswith("Z")
    assert snapshot.text("a") == "a\n"
    assert snapshot.get("fails").exit_status == 4
    with pytest.raises(SnapshotError, match=r"lb01: `echo bad >&2; exit 4` ended with 4: bad"):
        snapshot.text("fails")
    with pytest.raises(SnapshotError, match="'b' was not read, only: a, fails, é"):
        snapshot.get("b")


@pytest.mark.parametrize(
    "data", [{}, {"schema": 2}, {"schema": 1, "host": "h", "taken_at": "", "sections": {"a": {}}}]
)
def test_what_is_no_snapshot_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(SnapshotError, match="snapshot"):
        Snapshot.from_json(data)


def test_several_hosts_at_once(
    host: Host, server: Server, shared_transcript: transcript.Transcript
) -> None:
    with connect("rs1", "lb01", server.ssh_config) as other, transcript.phase("both"):
        taken = take_all({host: {"a": "echo 1"}, other: {"a": "echo 2"}})
    assert {name: one.text("a") for name, one in taken.items()} == {"lb01": "1\n", "rs1": "2\n"}
    assert take_all({}) == {}
    assert transcript.read(shared_transcript.path)[-1]["phase"] == "both"


def test_whole_survey_is_one_round_trip(
    host: Host, shared_transcript: transcript.Transcript
) -> None:
    before = _round_trips(shared_transcript)
    sections = survey.dut(survey.DutPaths(dpvs_source="/a", dpdk_source="/b"))
    snapshot = take(host, sections)
    assert _round_trips(shared_transcript) == before + 1
    assert list(snapshot.sections) == list(sections)
    assert [name for name, one in snapshot.sections.items() if one.note] == [
        name
        for name, read in sections.items()
        if isinstance(read, Read) and read.group and name != "dpip link show"
    ]
    for wanted in (survey.client(), survey.real_server()):
        assert not [one for one in take(host, wanted).sections.values() if one.note]


def test_survey_only_reads(start_server: Callable[..., Server], tmp_path: Path) -> None:
    """With every file system but /dev and /proc read-only, each section says what it said."""
    server = start_server()
    wanted = survey.dut(survey.DutPaths()) | survey.real_server()
    with connect("lb01", "lb01", server.ssh_config) as host:
        writable = take(host, wanted)
        host.run(
            "for m in $(awk '$2 !~ \"^/(dev|proc)\" {print $2}' /proc/mounts); do "
            "mount -o remount,bind,ro $m; done; ! touch /tmp/x /run/x /var/lib/x 2>/dev/null"
        )
        assert host.run("touch /var/lib/x").exit_status == 1
        frozen = take(host, wanted)
    # The machine is not ours alone: others take its hugepages, load its modules.
    moving = {"date", "processes", "/proc/meminfo", "numa", "/proc/mounts", "dmesg", "ip neigh"}
    moving |= {"hugepages", "lsmod"}
    for name in set(wanted) - moving:
        assert frozen.get(name).stdout == writable.get(name).stdout, name
        assert "ead-only" not in frozen.get(name).stderr, name


def test_paths_in_the_survey_stay_words(host: Host, tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/a) `touch {tmp_path}/b`; touch {tmp_path}/c '\""
    paths = survey.DutPaths(
        home=hostile,
        conf=hostile,
        pid_file=hostile,
        ipc_socket=hostile,
        log_file=hostile,
        start_log=hostile,
        devbind=hostile,
        modules=(hostile,),
        dpvs_source=hostile,
        dpdk_source=hostile,
        files=(hostile,),
    )
    take(host, survey.dut(paths))
    assert list(tmp_path.iterdir()) == []
