"""The write gate on a real host: recorded before changed, undone in reverse, killed anywhere."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal, lock, transcript
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.gate import (
    Change,
    ChangeResult,
    WriteGate,
    WriteMode,
    WriteRefused,
    first_failure,
)
from dpvs_acceptance.hosts.shell import sh

from .server import Server, processes, wait_gone


@pytest.fixture
def playground(host: Host, tmp_path: Path) -> Iterator[Path]:
    """A folder that changes are made in; its journal must be gone from the host afterwards."""
    folder = tmp_path / "host"
    folder.mkdir()
    lock.acquire(host, "the test", lease=0)
    yield folder
    lock.acquire(host, "the test", lease=0).release()
    left = host.run(f"find {journal.ROOT}; rm -rf {journal.ROOT}").stdout
    assert left == ""


def _gate(host: Host, **options: object) -> WriteGate:
    return WriteGate(host, WriteMode.WRITABLE, run="run-1", about="me, from here")


def _write(folder: Path, name: str, content: str = "new") -> Change:
    path = folder / name
    return Change(
        id=f"write.{name}",
        title=f"write {path}",
        done=f'[ "$(cat {path} 2>/dev/null)" = {content} ]',
        capture_undo=(
            f'if [ -e {path} ]; then echo "echo $(cat {path}) >{path}"; '
            f"else echo 'rm -f {path}'; fi"
        ),
        apply=f"echo {content} >{path}; echo wrote {name}",
    )


def _tree(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_stage_is_one_round_trip_and_undone_in_reverse(
    host: Host, shared_transcript: transcript.Transcript, playground: Path
) -> None:
    (playground / "b").write_text("old\n")
    order = Change(
        id="order",
        title="note the order of undoing",
        undo=f"seen=$(echo $(ls {playground})); echo $seen >{playground}/order",
        apply="true",
    )
    gate = _gate(host)
    before = len(transcript.read(shared_transcript.path))
    applied = gate.apply([_write(playground, "a"), _write(playground, "b"), order])
    assert [one.outcome for one in applied] == [ChangeResult.APPLIED] * 3
    assert [one.output for one in applied] == ["wrote a", "wrote b", ""]
    assert all(one.recorded for one in applied)
    assert _tree(playground) == {"a": "new\n", "b": "new\n"}
    undone = gate.undo()
    assert [one.entry.id for one in undone] == ["order", "write.b", "write.a"]
    assert all(one.ok for one in undone)
    assert _tree(playground) == {"b": "old\n", "order": "a b\n"}
    new = transcript.read(shared_transcript.path)[before:]
    assert [entry["kind"] for entry in new] == ["run", "run"]


def test_some_changes_are_undone_before_the_others(host: Host, playground: Path) -> None:
    gate = _gate(host)
    gate.apply([_write(playground, "a"), _write(playground, "b")])
    check = dataclasses.replace(_write(playground, "c"), id="operator.1")
    failing = dataclasses.replace(
        check, id="operator.2", done=None, apply="echo seen; echo why >&2; exit 253"
    )
    (applied,) = gate.apply([check])
    assert applied.answer is not None
    assert applied.answer.stdout == b"wrote c\n"
    (refused,) = gate.apply([failing])
    assert refused.answer is not None
    answer = (refused.answer.exit_status, refused.answer.stdout, refused.answer.stderr)
    assert answer == (253, b"seen\n", b"why\n")
    assert [one.entry.id for one in gate.undo(only="operator.")] == ["operator.2", "operator.1"]
    assert _tree(playground) == {"a": "new\n", "b": "new\n"}
    assert gate.undo(only="operator.") == []
    assert [one.entry.id for one in gate.undo()] == ["write.b", "write.a"]


def test_what_is_so_already_is_left_alone(host: Host, playground: Path) -> None:
    (playground / "a").write_text("new\n")
    gate = _gate(host)
    (applied,) = gate.apply([_write(playground, "a")])
    assert (applied.outcome, applied.recorded) == (ChangeResult.ALREADY, False)
    assert gate.undo() == []
    assert _tree(playground) == {"a": "new\n"}


def test_read_only_sends_nothing(
    host: Host, shared_transcript: transcript.Transcript, playground: Path
) -> None:
    gate = WriteGate(host, WriteMode.READ_ONLY, run="run-1")
    before = len(transcript.read(shared_transcript.path))
    with pytest.raises(WriteRefused, match=r"this run is read-only.*write\.a"):
        gate.apply([_write(playground, "a")])
    with pytest.raises(WriteRefused, match="read-only"):
        gate.apply([])
    with pytest.raises(WriteRefused, match="read-only"):
        gate.undo()
    assert len(transcript.read(shared_transcript.path)) == before


def test_first_failure_stops_the_stage_and_its_undo_is_kept(host: Host, playground: Path) -> None:
    broken = dataclasses.replace(
        _write(playground, "b"), apply=f"echo half >{playground}/b; echo no room >&2; exit 3"
    )
    gate = _gate(host)
    applied = gate.apply([_write(playground, "a"), broken, _write(playground, "c")])
    assert [one.outcome for one in applied] == ["applied", "failed", "not reached"]
    failure = first_failure(applied)
    assert failure is applied[1]
    assert failure.recorded
    assert failure.problem.endswith("exited with 3: no room")
    assert _tree(playground) == {"a": "new\n", "b": "half\n"}
    assert [one.entry.id for one in gate.undo()] == ["write.b", "write.a"]
    assert _tree(playground) == {}


def test_an_optional_change_that_fails_stops_nothing(host: Host, playground: Path) -> None:
    failing = Change(
        id="no", title="fails", undo=":", apply="echo no; exit 3", timeout=1, optional=True
    )
    gate = _gate(host)
    applied = gate.apply([failing, _write(playground, "b")])
    assert [one.outcome for one in applied] == [ChangeResult.FAILED, ChangeResult.APPLIED]
    assert applied[0].output == "no"
    assert first_failure(applied) is None
    assert all(one.ok for one in gate.undo())
    assert _tree(playground) == {}


def test_undo_that_cannot_be_found_out_forbids_the_change(host: Host, playground: Path) -> None:
    blind = dataclasses.replace(_write(playground, "a"), capture_undo="echo trouble >&2; exit 9")
    gate = _gate(host)
    (applied,) = gate.apply([blind])
    assert applied.outcome is ChangeResult.FAILED
    assert applied.problem == (
        "nothing was changed: the command for its undo exited with 9: trouble"
    )
    assert _tree(playground) == {}
    assert gate.undo() == []


def test_undo_is_on_the_disk_before_the_change(host: Host, playground: Path) -> None:
    seen = Change(
        id="seen",
        title="copy the journal as the change finds it",
        undo="echo undo it",
        apply=f"cp {journal.ROOT}/journal/run-1/0001.undo {playground}/seen",
    )
    gate = _gate(host)
    assert gate.apply([seen])[0].ok
    text = (playground / "seen").read_text()
    assert text.startswith("# id seen\n# title copy the journal as the change finds it\n")
    assert re.search(r"Z\necho undo it\n# end \d+ \d+\n\Z", text)
    gate.undo()


def test_change_that_is_seen_only_later_is_waited_for(host: Host, playground: Path) -> None:
    late = Change(
        id="late",
        title="come late",
        undo=f"rm -f {playground}/late",
        apply=f"setsid sh -c 'sleep 0.3; touch {playground}/late' </dev/null >/dev/null 2>&1 &",
        verify=f"ls {playground}; [ -e {playground}/late ]",
    )
    gate = _gate(host)
    (applied,) = gate.apply([late])
    assert applied.ok
    assert applied.seconds >= 0.25
    assert applied.output == "late"
    gate.undo()


def test_change_that_is_never_seen_fails_with_what_was_seen_last(
    host: Host, playground: Path
) -> None:
    never = Change(
        id="never",
        title="never come",
        undo="true",
        apply="true",
        verify="echo still down; false",
        timeout=1,
    )
    gate = _gate(host)
    begin = time.monotonic()
    (applied,) = gate.apply([never])
    assert 1 <= time.monotonic() - begin < 3
    assert applied.problem == "was made, but is not visible (for 1 s); last output: still down"
    gate.undo()


def test_verify_may_give_up(host: Host, playground: Path) -> None:
    dead = Change(
        id="dead",
        title="die",
        undo="true",
        apply="true",
        verify="echo it died; exit 70",
        timeout=30,
    )
    gate = _gate(host)
    begin = time.monotonic()
    (applied,) = gate.apply([dead])
    assert time.monotonic() - begin < 3
    assert applied.problem == "was made, but is not visible (gave up); last output: it died"
    gate.undo()


def test_change_that_hangs_is_ended(host: Host, playground: Path, nap: str) -> None:
    hangs = Change(id="hangs", title="hang", undo="true", apply=f"echo in; sleep {nap}", timeout=1)
    gate = _gate(host)
    (applied,) = gate.apply([hangs])
    assert applied.problem == f"`echo in; sleep {nap}` timed out: in"
    wait_gone(nap, 0.5)
    gate.undo()


def test_check_that_hangs_forbids_the_change(
    host: Host, playground: Path, monkeypatch: pytest.MonkeyPatch, nap: str
) -> None:
    monkeypatch.setattr("dpvs_acceptance.hosts.gate.QUICK", 0.3)
    hangs = dataclasses.replace(_write(playground, "a"), done=f"sleep {nap}")
    gate = _gate(host)
    applied = gate.apply([hangs, _write(playground, "b")])
    assert [one.outcome for one in applied] == ["failed", "not reached"]
    assert "cannot check whether it is already in place" in applied[0].problem
    assert _tree(playground) == {}
    gate.undo()


def test_every_undo_is_tried_and_what_failed_stays(host: Host, playground: Path, nap: str) -> None:
    def change(name: str, undo: str) -> Change:
        return Change(id=name, title=name, undo=undo, apply="true", timeout=1)

    gate = _gate(host)
    gate.apply(
        [
            change("first", f"touch {playground}/first"),
            change("fails", f"[ -e {playground}/fixed ] || {{ echo cannot >&2; exit 4; }}"),
            change("hangs", f"[ -e {playground}/fixed ] || sleep {nap}"),
            change("last", f"touch {playground}/last"),
        ]
    )
    undone = gate.undo()
    assert [(one.entry.id, one.ok) for one in undone] == [
        ("last", True),
        ("hangs", False),
        ("fails", False),
        ("first", True),
    ]
    assert undone[1].note == "timed out"
    assert (undone[2].exit_status, undone[2].output) == (4, "cannot")
    (left,) = journal.leftovers(host)
    assert [entry.id for entry in left.entries] == ["fails", "hangs"]
    (playground / "fixed").touch()
    assert [one.entry.id for one in gate.undo()] == ["hangs", "fails"]
    assert journal.leftovers(host) == []


def test_leftovers_tell_whose_they_are(host: Host, playground: Path) -> None:
    one = WriteGate(host, WriteMode.WRITABLE, run="run-a", about="alice on laptop")
    other = WriteGate(host, WriteMode.WRITABLE, run="run-b", about="bob\non desk")
    for number in range(12):
        one.apply([_write(playground, f"a{number}")])
    other.apply([_write(playground, "b")])
    (left,) = other.leftovers()
    assert (left.host, left.run, left.about) == ("lb01", "run-a", "alice on laptop")
    assert [entry.number for entry in left.entries] == list(range(1, 13))
    assert left.entries[11].title == f"write {playground}/a11"
    undo = host.run(f"cat {journal.ROOT}/journal/run-a/0012.undo").stdout.splitlines()
    assert undo[-2] == f"rm -f {playground}/a11"
    assert left.entries[11].at.endswith("Z")
    assert [found.about for found in one.leftovers()] == ["bob\non desk"]
    # Another runner's gate takes the journal up: nothing recorded is overwritten.
    WriteGate(host, WriteMode.WRITABLE, run="run-a").apply([_write(playground, "late")])
    restored = WriteGate(host, WriteMode.WRITABLE, run="run-a").undo()
    assert [one.entry.number for one in restored] == list(range(13, 0, -1))
    other.undo()
    assert _tree(playground) == {}


def test_values_in_a_change_stay_text(host: Host, playground: Path) -> None:
    content = """it's "$HOME" `id` $(id) \\n %s ${x} # ! * END"""
    path = f"{playground}/we'ird na$me"
    change = Change(
        id="text",
        title="title with 'quotes' $(id) `id` \" \\",
        undo=sh("rm -f {}", path),
        apply=sh("printf '%s' {} >{}", content, path),
        verify=sh("[ -e {} ]", path),
    )
    gate = _gate(host)
    assert first_failure(gate.apply([change])) is None
    assert Path(path).read_text() == content
    (left,) = journal.leftovers(host)
    assert left.entries[0].title == change.title
    gate.undo()
    assert _tree(playground) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a b"},
        {"id": "$(id)"},
        {"title": "two\nlines"},
        {"undo": None},
        {"capture_undo": "echo"},
        {"apply": " "},
        {"apply": "x" * 200_000},
        {"apply": "\0"},
        {"timeout": 0.0},
    ],
)
def test_what_is_no_change_is_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"id": "a", "title": "a", "undo": "true", "apply": "true"}
    with pytest.raises(ValueError, match=r"change|script"):
        Change(**(right | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("run", ["", "..", "a/b", "a b", "-a", "a\n", "$(id)"])
def test_name_of_a_run_stays_a_name(host: Host, run: str) -> None:
    with pytest.raises(ValueError, match="invalid name of a run"):
        WriteGate(host, WriteMode.WRITABLE, run=run)


def test_disk_that_cannot_be_written_means_no_change(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server()
    with connect("lb01", "lb01", server.ssh_config) as host:
        lock.acquire(host, "the test", root="/run/of-the-test")
        # Nothing of the test's own server needs what is hidden here.
        host.run("mount -t tmpfs -o ro tmpfs /var/lib")
        with pytest.raises(
            HostError, match=r"no journal can be kept, nothing was changed: .*ead-only"
        ):
            _gate(host).apply([_write(tmp_path, "a")])
        host.run("umount /var/lib; mount -t tmpfs -o size=8k tmpfs /var/lib")
        host.run(f"mkdir -p {journal.ROOT}; cat /dev/zero >/var/lib/full")
        with pytest.raises(HostError, match=r"nothing was changed: .*No space left"):
            _gate(host).apply([_write(tmp_path, "a")])
        assert not (tmp_path / "a").exists()


_RUNNER = """
import os, pathlib, sys
from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode
config, folder = sys.argv[1:]
nap = os.environ["NAP"]
host = connect("lb01", "lb01", pathlib.Path(config))
lock.acquire(host, "the runner", lease=0)
gate = WriteGate(host, WriteMode.WRITABLE, run="killed")
gate.apply([
    Change(id="one", title="one", undo=f"rm -f {folder}/one", apply=f"touch {folder}/one"),
    Change(id="two", title="two", undo=f"rm -f {folder}/two", timeout=60,
           apply=f"touch {folder}/begun; sleep {nap}; touch {folder}/two"),
    Change(id="three", title="three", undo=f"rm -f {folder}/three", apply=f"touch {folder}/three"),
])
"""


def test_runner_killed_in_the_middle_of_a_change(
    host: Host, server: Server, playground: Path, nap: str
) -> None:
    runner = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(server.ssh_config), str(playground)],
        env={**os.environ, "NAP": nap},
    )
    deadline = time.monotonic() + 5
    while not processes(nap) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (playground / "begun").exists(), "the change is at work"
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    (left,) = journal.leftovers(host)
    assert [entry.id for entry in left.entries] == ["one", "two"]
    assert (playground / "one").exists()
    # What was still at work is ended by the next owner of the lock, or it would change the host
    # after its undo.
    assert lock.acquire(host, "the test", lease=0).taken_over == "the runner"
    assert not processes(nap)
    undone = WriteGate(host, WriteMode.WRITABLE, run="killed").undo()
    assert [(one.entry.id, one.ok) for one in undone] == [("two", True), ("one", True)]
    assert _tree(playground) == {"begun": ""}
    assert journal.leftovers(host) == []


@pytest.mark.usefixtures("locked")
def test_whoever_waits_is_told_which_change_it_is_at(host: Host) -> None:
    """Each as the host comes to it, before the next is begun; and what is seen meanwhile."""
    heard: list[tuple[str, bool, bool]] = []
    glimpses: list[str] = []
    flag = "/tmp/told-by-the-test"
    changes = [
        Change(id="one", title="one", undo=":", apply="true"),
        Change(
            id="two",
            title="two",
            undo=f"rm -f {flag}",
            apply="true",
            verify=f"echo a; [ -e {flag} ] || {{ echo nothing is there; false; }}",
        ),
    ]

    def begun(change: Change, watching: bool, seen: str) -> None:
        heard.append((change.id, watching, host.run(f"[ -e {flag} ]").ok))
        glimpses.extend([seen] if seen else [])
        if seen:
            host.run(f"touch {flag}")  # it is told in time to be of use

    gate = WriteGate(host, WriteMode.WRITABLE, run="heard")
    try:
        applied = gate.apply(changes, begun)
    finally:
        gate.undo()
    assert [one[:2] for one in heard if one[0] == "two"][-1] == ("two", True)
    assert [one.outcome for one in applied] == [ChangeResult.APPLIED] * 2
    assert glimpses == ["nothing is there"]
    assert applied[1].output == "a", "what was seen before it was there is not what it says"
    assert ("one", False, False) in heard
    assert not any(there for _, _, there in heard)
