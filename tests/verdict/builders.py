"""Requirements, results and facts for the tests of this room and of the report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dpvs_acceptance.model.requirement import SEED, Held, Priority, Requirement
from dpvs_acceptance.verdict.facts import DeviceKind, NicFacts, RunFacts
from dpvs_acceptance.verdict.outcomes import CheckResult, Outcome

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FINISHED = datetime(2026, 1, 2, 3, 4, 25, 500_000, tzinfo=UTC)


def requirement(
    name: str = "S29", priority: str = "P1", catalogue: str = SEED, held: Held = Held.WHOLE
) -> Requirement:
    return Requirement(
        id=name,
        priority=Priority(priority),
        statement=f"{name} holds.",
        statement_zh=f"{name} 成立。",
        source="seed 3",
        hint=f"Look at `dpip addr show` for {name}.",
        hint_zh=f"查看 `dpip addr show`（{name}）。",
        catalogue=catalogue,
        held=held,
    )


def check(outcome: str = "PASS", *names: str, node: str = "", message: str = "") -> CheckResult:
    return CheckResult(
        nodeid=node or f"suites/test_a.py::test_{'_'.join(names).lower() or 'x'}",
        outcome=Outcome(outcome),
        seconds=0.25,
        message=message,
        requirements=names,
    )


def facts(directory: Path = Path("run"), kind: DeviceKind = DeviceKind.SIMULATION) -> RunFacts:
    return RunFacts(
        run="20260102T030405Z-abcd",
        started=STARTED,
        directory=directory,
        suite_version="0.1.0",
        suite_commit="abc123",
        command="pytest --host=softlab",
        host="lb01",
        kind=kind,
        dpvs="1.10-2",
        dpdk="24.11",
        kernel="6.1.0",
        nics=(NicFacts("eth2", "02:00:00:04:00:00", "0000:04:00.0", "82599ES", "igb_uio", "", 0),),
        topology="fnat-two-arm",
    )
