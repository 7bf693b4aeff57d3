"""A stored run held against its own evidence: device, topology, transcript, captures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dpvs_acceptance.hosts.snapshot import Snapshot
from dpvs_acceptance.hosts.transcript import read as read_transcript
from dpvs_acceptance.model.bench import Bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.observed.described import device_facts
from dpvs_acceptance.observed.device_kind import not_hardware
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.crosschecking import (
    capture_differences,
    catalogue_differences,
    device_differences,
    option_differences,
    time_differences,
    transcript_differences,
)
from dpvs_acceptance.verdict.facts import DeviceKind
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.record import Record
from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.words import first_line


def _topology(directory: Path) -> Topology:
    """OSError where it was not kept, ValueError where it is none."""
    path = directory / "evidence/declared/topology.json"
    return Topology.model_validate_json(path.read_text("utf-8"))


def _device(directory: Path) -> dict[str, Any]:
    """Fields of `RunFacts`. OSError where what they come from was not kept.

    Whatever else it raises is said by files that are not what a run leaves.
    """
    evidence = directory / "evidence"
    bench = Bench.model_validate_json((evidence / "declared/bench.json").read_text("utf-8"))
    topology = _topology(directory)
    plain = json.loads((evidence / "declared/deployment.json").read_text("utf-8"))
    first = json.loads((evidence / "snapshots/first-dut.json").read_text("utf-8"))
    deployment = deploy(topology, bench, kni=bool(plain["kni"]), without_peers=True)
    others = [
        json.loads(path.read_text("utf-8"))
        for path in sorted((evidence / "snapshots").glob("first-*.json"))
        if path.name != "first-dut.json"
    ]
    before = DutState(Snapshot.from_json(first))
    kind = DeviceKind(bench.kind)
    boots = [Snapshot.from_json(one).text("boot_id").strip() for one in others]
    if kind is DeviceKind.HARDWARE and (signs := not_hardware(deployment, before, boots)):
        raise ValueError(f"the bench says hardware: {signs[0]}")
    return {**device_facts(deployment, before), "kind": kind, "topology": topology.name}


def cross_checked(signoff: SignOff, record: Record, directory: Path) -> list[str]:
    """Everything in which the document does not fit the run's evidence, a line each."""
    made = any(one.outcome is not Outcome.BLOCKED for one in record.results)
    problems = list(option_differences(signoff))
    problems += _compared(
        "device",
        lambda: device_differences(signoff, _device(directory)),
        made,
    )
    problems += _compared(
        "topology",
        lambda: catalogue_differences(record, _topology(directory).requirements),
        made,
    )
    try:
        transcript = _transcript(signoff, directory)
    except (OSError, ValueError) as error:
        problems.append(f"transcript: cannot be read: {first_line(str(error))}")
        transcript = []
    problems += _compared("times", lambda: time_differences(signoff, transcript), True)
    problems += _compared("transcript", lambda: transcript_differences(signoff, transcript), True)
    captures = directory / "evidence" / "captures"
    folders = sorted(one.name for one in captures.iterdir()) if captures.is_dir() else []
    return [*problems, *capture_differences(signoff, folders)]


def _transcript(signoff: SignOff, directory: Path) -> list[dict[str, Any]]:
    path = (directory / signoff.transcript).resolve()
    inside = signoff.transcript and path.is_relative_to(directory.resolve())
    return read_transcript(path) if inside else []


def _compared(what: str, compare: Callable[[], Iterable[str]], needed: bool) -> list[str]:
    try:
        return list(compare())
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        return [f"{what}: cannot be compared: {missing} is missing"] if needed else []
    except Exception as error:  # whatever stands in files that are not what a run leaves
        return [f"{what}: cannot be compared: {first_line(str(error)) or type(error).__name__}"]
