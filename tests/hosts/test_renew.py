"""What was brought up on one host can be undone and made anew, whatever has become of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.plan import Plan, Stage
from dpvs_acceptance.bringup.runner import BringUp, BringUpError
from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode


@pytest.fixture
def bring_up(host: Host, locked: lock.Lock) -> Iterator[BringUp]:
    del locked
    made = BringUp({"rs1": WriteGate(host, WriteMode.WRITABLE, run="renew", about="me, from here")})
    yield made
    assert made.undo() == []


def write(path: Path, text: str, undo: str = "") -> Change:
    return Change(
        id=f"write.{path.name}",
        title=f"write {path.name}",
        done=f'[ "$(cat {path} 2>/dev/null)" = {text} ]',
        undo=undo or f"rm -f {path}",
        apply=f"echo {text} >{path}",
    )


def plan(folder: Path) -> Plan:
    first = Stage("real server", "rs1", (write(folder / "address", "up"),))
    return Plan((first,), (), (Stage("readers", "rs1", (write(folder / "reader", "loaded"),)),))


@pytest.mark.parametrize("readers", [False, True])
def test_all_that_was_made_on_it_is_made_anew_and_nothing_else(
    bring_up: BringUp, tmp_path: Path, readers: bool
) -> None:
    bring_up.carry_out(plan(tmp_path))
    if readers:
        bring_up.load_readers(plan(tmp_path))
    (tmp_path / "address").write_text("broken")
    bring_up.renew(plan(tmp_path), "rs1")
    assert (tmp_path / "address").read_text() == "up\n"
    assert (tmp_path / "reader").exists() is readers


def test_what_cannot_be_undone_is_not_made_anew(
    bring_up: BringUp, tmp_path: Path, host: Host
) -> None:
    gate = tmp_path / "gate"
    path = tmp_path / "address"
    broken = Plan(
        (Stage("x", "rs1", (write(path, "up", f"[ -e {gate} ] && rm -f {path}"),)),), (), ()
    )
    bring_up.carry_out(broken)
    with pytest.raises(BringUpError, match="write address: exit 1"):
        bring_up.renew(broken, "rs1")
    gate.touch()
