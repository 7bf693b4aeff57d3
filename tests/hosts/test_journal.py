"""What has happened to a journal on its host is seen before anything of it is run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dpvs_acceptance.bringup.restore import restore
from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode

RUN = "20261201T000000Z-abcdef"
FOLDER = f"{journal.ROOT}/journal/{RUN}"
MARKS = "/run/journal-test"


@pytest.fixture
def gate(host: Host) -> Iterator[WriteGate]:
    """Three changes are made: files in a folder of their own, each removed by its undo."""
    assert host.run(f"mkdir -p {MARKS}").ok
    lock.acquire(host, "the test", lease=600)
    gate = WriteGate(host, WriteMode.WRITABLE, run=RUN)
    made = gate.apply(
        [
            Change(
                id=f"mark.{number}",
                title=f"mark {number}",
                undo=f"rm -f {MARKS}/{number}",
                apply=f"touch {MARKS}/{number}",
            )
            for number in (1, 2, 3)
        ]
    )
    assert all(one.ok for one in made), made
    yield gate
    host.run(f"rm -rf {MARKS} {journal.ROOT}")


def _marks(host: Host) -> list[str]:
    return host.run(f"ls {MARKS}").stdout.split()


@pytest.mark.parametrize(
    "damage",
    [
        "printf '# id mark.2\\n# ti' >0002.undo",
        "sed -i '$d' 0002.undo",
        "head -n -2 0002.undo >x; cat x >0002.undo; rm x",
        ": >0002.undo",
        'n=$(wc -c <0002.undo); head -c "$n" /dev/zero >0002.undo',
        "printf '\\0' >>0002.undo",
        "echo 'touch /run/journal-test/run' >>0002.undo",
        "sed -i s/rm/mv/ 0002.undo",
        "chmod 666 0002.undo",
        "chown nobody 0002.undo",
        "mv 0002.undo y; ln -s y 0002.undo",
        "rm 0002.undo; mkdir 0002.undo",
    ],
)
def test_a_damaged_undo_is_kept_named_and_not_run(host: Host, gate: WriteGate, damage: str) -> None:
    assert host.run(f"cd {FOLDER} && {{ {damage}; }}").ok
    before = host.run(f"ls -l {FOLDER}/0002.undo; cksum {FOLDER}/0002.undo").stdout
    undone = [one for one in gate.undo() if one.entry.number]
    assert [(one.entry.number, one.ok, one.damaged) for one in undone] == [
        (3, True, False),
        (2, False, True),
        (1, True, False),
    ]
    assert undone[1].note.startswith(f"{FOLDER}/0002.undo was not run: "), undone[1]
    assert _marks(host) == ["2"]
    assert host.run(f"ls -l {FOLDER}/0002.undo; cksum {FOLDER}/0002.undo").stdout == before
    assert not journal.restored(host, RUN)
    said: list[str] = []
    assert not restore({"lb01": host}, said.append)
    assert any(
        line.startswith("  NOT undone: ") and "0002.undo was not run" in line for line in said
    )


@pytest.mark.parametrize(
    "name", ["12345.undo", "x.undo", ".hidden", "0001.undo.bak", "0000.undo", "a b", "1.undo"]
)
def test_a_file_of_a_strange_name_is_named_and_not_run(
    host: Host, gate: WriteGate, name: str
) -> None:
    assert host.run(f"echo 'touch {MARKS}/run' >'{FOLDER}/{name}'").ok
    undone = gate.undo()
    assert [one.ok for one in undone] == [True, True, True, False]
    assert undone[-1].entry.title == f"{FOLDER}/{name}"
    assert undone[-1].damaged
    assert _marks(host) == []
    assert host.run(f"ls -A {FOLDER}").stdout.splitlines().count(name) == 1
    said: list[str] = []
    assert not restore({"lb01": host}, said.append)
    assert any(f"{FOLDER}/{name}: no undo has this name" in line for line in said), said


def test_a_journal_that_others_may_write_to_is_not_run(host: Host, gate: WriteGate) -> None:
    assert host.run(f"chmod 777 {FOLDER}").ok
    undone = gate.undo()
    assert [one.damaged for one in undone] == [True, True, True]
    assert f"others than this account may write to {FOLDER}" in undone[0].note
    with pytest.raises(HostError, match="nothing was changed: others than this account may write"):
        gate.apply([Change(id="late", title="late", undo=":", apply=f"touch {MARKS}/late")])
    assert _marks(host) == ["1", "2", "3"]
    assert host.run(f"chmod 700 {FOLDER}").ok
    assert [one.ok for one in gate.undo()] == [True, True, True]


def test_what_an_undo_writes_back_stays_on_the_host(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Change(
        id="secret",
        title="a file with a secret",
        capture_undo='echo "printf %s $(echo hunter2-and-more | base64) | base64 -d >/dev/null"',
        apply="true",
    )
    lock.acquire(host, "the test", lease=0)
    gate = WriteGate(host, WriteMode.WRITABLE, run=RUN)
    heard: list[str] = []
    monkeypatch.setattr(host, "recorder", _Heard(heard))
    assert gate.apply([secret])[0].ok
    journal.leftovers(host)
    gate.undo()
    lock.acquire(host, "the test", lease=0).release()
    assert not [text for text in heard if "aHVudGVyMi1hbmQtbW9yZ" in text]


class _Heard:
    """A recorder of what hosts print."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def record(self, entry: object) -> None:
        self._heard.append(getattr(entry, "stdout", "") + getattr(entry, "stderr", ""))
