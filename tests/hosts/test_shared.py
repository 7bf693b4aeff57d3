"""The reading of the DUT that checks share: refused once the host was changed after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode
from dpvs_acceptance.testbed.shared import SharedDut, read_dut
from dpvs_acceptance.verdict.causes import Inconclusive

SECTIONS: dict[str, str | Read] = {"uname -r": "uname -r", "dpvs log": "echo a line", "cpu": "exit"}


@pytest.fixture
def gate(host: Host, locked: lock.Lock) -> Iterator[WriteGate]:
    del locked
    gate = WriteGate(host, WriteMode.WRITABLE, run="shared", about="me, from here")
    yield gate
    gate.undo()


def touch(folder: Path) -> Change:
    path = folder / "touched"
    return Change(
        id="touch",
        title="touch a file",
        done=f"[ -e {path} ]",
        undo=f"rm -f {path}",
        apply=f"touch {path}",
    )


def test_a_reading_older_than_the_last_change_carries_no_statement(
    host: Host, gate: WriteGate, tmp_path: Path
) -> None:
    dut = read_dut(host, SECTIONS)
    kernel = dut.kernel
    assert dut.log_lines == ["a line"]
    gate.apply([touch(tmp_path)])
    with pytest.raises(Inconclusive) as refused:
        assert dut.kernel  # though it was read before
    words = str(refused.value)
    assert words.startswith("inconclusive: lb01: the shared snapshot was read ")
    assert "(touch a file): use `lb.read()`" in words
    with pytest.raises(Inconclusive):
        dut.snapshot.text("dpvs log")
    assert dut.then.kernel == kernel, "who means that moment may have it"
    assert read_dut(host, SECTIONS).kernel == kernel
    gate.undo()
    with pytest.raises(Inconclusive, match="was undone"):
        assert dut.kernel


def test_what_was_so_already_is_no_change(host: Host, gate: WriteGate, tmp_path: Path) -> None:
    gate.apply([touch(tmp_path)])
    dut = read_dut(host, SECTIONS)
    gate.apply([touch(tmp_path)])
    assert dut.kernel


def test_what_was_put_back_and_seen_to_be_is_no_change(host: Host) -> None:
    dut, before = read_dut(host, SECTIONS), host.changed
    host.note_change("a service more")
    with pytest.raises(Inconclusive):
        assert dut.kernel
    host.changed = before
    assert dut.kernel


def test_it_notes_what_it_is_asked_for_and_reads_the_rest_then(host: Host) -> None:
    dut = read_dut(host, SECTIONS, ("uname -r",))
    assert set(dut.snapshot.sections) == {"uname -r"}
    assert dut.kernel
    assert dut.asked == {"uname -r"}
    dut.forget_what_was_read()
    assert dut.log_lines == ["a line"]
    assert dut.asked == {"dpvs log"}
    assert isinstance(dut, SharedDut)
