"""Cross-checks of a stored run's files; each line is a contradiction. Pure.

The document is computed from the record; here both are compared with files written by other
programs during the run: pytest's JUnit file, the transcript, the capture directories, the command
line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dpvs_acceptance.verdict.facts import UNKNOWN, ProblemKind
from dpvs_acceptance.verdict.manifest import Manifest
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.record import Record
from dpvs_acceptance.verdict.signoff import NicEntry, SignOff

_LEEWAY = timedelta(seconds=2)
_TOLD_BY_OPTION = {
    "--strict-signoff": ("strict", ""),
    "--lenient": ("lenient", ""),
    "--profile": ("profile", None),
    "--fault": ("fault", None),
    "--report-lang": ("language", None),
}


def file_differences(record: Record, there: Mapping[str, str]) -> Iterator[str]:
    """`there`: path to SHA-256 of the evidence in the directory."""
    for name in sorted({*record.files, *there}):
        if name not in there:
            yield f"{name}: is in record.json, but missing"
        elif name not in record.files:
            yield f"{name}: is not in record.json"
        elif record.files[name] != there[name]:
            yield f"{name}: was altered since record.json was written"


def manifest_differences(manifest: Manifest, record: Record, signoff: SignOff) -> Iterator[str]:
    suite = signoff.suite
    clean = not suite.commit.endswith("-dirty") and suite.commit != UNKNOWN
    for name, written, wanted in (
        ("run", manifest.run, signoff.run),
        ("suite_version", manifest.suite_version, suite.version),
        ("suite_commit", manifest.suite_commit, suite.commit),
        ("suite_clean", manifest.suite_clean, clean),
        ("versions", dict(manifest.versions), dict(record.versions)),
    ):
        if written != wanted:
            yield f"manifest.json: {name}: {written!r} is written, the run has {wanted!r}"


def time_differences(signoff: SignOff, transcript: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whether commands were sent during the run, and the run's name matches its start."""
    begin, end = signoff.started, signoff.finished
    if end < begin:
        yield f"finished: {end} is before the start, {begin}"
    if not signoff.run.startswith(f"{begin:%Y%m%dT%H%M%SZ}"):
        yield f"run: {signoff.run} is not named after its start, {begin:%Y%m%dT%H%M%SZ}"
    sent = [datetime.fromisoformat(str(entry["started"])) for entry in transcript]
    for one in (min(sent), max(sent)) if sent else ():
        if not begin - _LEEWAY <= one <= end + _LEEWAY:
            yield f"transcript: a command of {one} is not of a run from {begin} to {end}"


def transcript_differences(
    signoff: SignOff, transcript: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Checks that sent commands but are not in the document."""
    known = {result.nodeid for result in results_of(signoff)}
    for check in dict.fromkeys(str(entry["check"] or "") for entry in transcript):
        if check and check not in known:
            yield f"{check}: sent commands, but is not in the document"


def capture_differences(signoff: SignOff, folders: Iterable[str]) -> Iterator[str]:
    """`folders`: names of those below `evidence/captures`."""
    known = {capture_folder(result.nodeid) for result in results_of(signoff)}
    for name in folders:
        if name not in known:
            yield f"evidence/captures/{name}: is of no check of the document"


def capture_folder(nodeid: str) -> str:
    """The folder's name of a check's captures."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", nodeid.split("::", 1)[-1]).strip("_")


def device_differences(signoff: SignOff, seen: Mapping[str, Any]) -> Iterator[str]:
    """`seen`: facts of the run, computed from the snapshot and the declarations."""
    device = signoff.device
    for name in ("host", "kind", "dpvs", "dpdk", "kernel", "platform"):
        if str(getattr(device, name)) != str(seen[name]):
            written = str(getattr(device, name))
            yield f"device.{name}: {written!r} is written, the evidence says {str(seen[name])!r}"
    if signoff.topology != seen["topology"]:
        yield f"topology: {signoff.topology} is written, the evidence says {seen['topology']}"
    binaries = {one.path: one.sha256 for one in device.binaries}
    wanted = {one.path: one.sha256 for one in seen["binaries"]}
    for path in sorted({*binaries, *wanted}):
        if binaries.get(path) != wanted.get(path):
            yield (
                f"device.binaries: {path}: {binaries.get(path, 'nothing')} is written, the "
                f"evidence says {wanted.get(path, 'nothing')}"
            )
    if len(device.nics) != len(seen["nics"]):
        yield f"device.nics: {len(device.nics)} are written, the evidence has {len(seen['nics'])}"
    for entry, nic in zip(device.nics, seen["nics"], strict=False):
        for name in NicEntry.model_fields:
            one, other = getattr(entry, name), getattr(nic, name)
            if one != other:
                yield f"device.nics.{nic.name}.{name}: {one!r} is written, the evidence: {other!r}"


def catalogue_differences(record: Record, declared: Collection[str]) -> Iterator[str]:
    """`declared`: the catalogues of the stored topology."""
    if set(record.judged_by) != set(declared):
        written, wanted = ", ".join(record.judged_by), ", ".join(declared)
        yield f"judged by {written}, and the stored topology says {wanted}"


def option_differences(signoff: SignOff) -> Iterator[str]:
    """Options of the command line that contradict the document."""
    try:
        words = shlex.split(signoff.command)
    except ValueError:
        return
    for index, word in enumerate(words):
        option, given, value = word.partition("=")
        if option not in _TOLD_BY_OPTION:
            continue
        name, wanted = _TOLD_BY_OPTION[option]
        seen = getattr(signoff, name)
        if wanted is not None:
            agrees = bool(seen)
        else:
            value = value if given else next(iter(words[index + 1 : index + 2]), "")
            agrees = str(seen) == value
        if not agrees:
            yield f"{name}: {str(seen)!r} is written, the command says {word}"
    if bool(signoff.fault) != any(one.kind is ProblemKind.FAULT for one in signoff.problems):
        yield f"fault: {signoff.fault!r} is written, and the problems say otherwise"


def replay_differences(
    signoff: SignOff, record: Record, found: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Differences between the suite's checks for the stored topology and those of the document.

    `found`: results of a replay, by check.
    """
    mine = {check.nodeid: check for check in record.checks}
    whole = not any(
        one.kind in (ProblemKind.PARTIAL, ProblemKind.BLOCKED) for one in signoff.problems
    )
    for node, again in found.items():
        check = mine.get(node)
        if check is None and whole:
            yield f"{node}: is a check of this suite for the topology, but not in the document"
        for name in ("requirements", "core") if check is not None else ():
            if name in again and set(again[name]) != set(getattr(check, name)):
                written = ", ".join(getattr(check, name)) or "none"
                wanted = ", ".join(again[name]) or "none"
                yield f"{node}: {name}: {written} is written, the suite says {wanted}"
    for node, check in mine.items():
        if node not in found and check.result.outcome is not Outcome.BLOCKED:
            yield f"{node}: is in the document, but not a check of this suite for the topology"
