"""Is a stored run what it was, and does its evidence still make its verdict?"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpvs_acceptance.verdict.manifest import (
    Manifest,
    altered,
    altered_pages,
    digest,
    read_manifest,
)
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.parent import Parent
from dpvs_acceptance.verdict.recomputing import contradictions, junit_differences, results_of
from dpvs_acceptance.verdict.signoff import SignOff, from_text
from dpvs_acceptance.verdict.words import first_line, printable

SUITE = Path(__file__).resolve().parents[2]
REPLAY_SECONDS = 300.0

Replay = Callable[[Path], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. `problems` are lines; none of them means that all is as it was."""

    problems: tuple[str, ...]
    verdict: str
    manifest: str
    commit: str
    """Of the suite that made the run."""
    files: int
    replayed: int
    not_replayed: Mapping[str, str]
    """Check to the reason why it was not repeated on the evidence."""


class ReplayError(Exception):
    """The checks could not be repeated at all."""


def verify(directory: Path, replay: Replay | None = None) -> Verification:
    """Hashes, the document against its own outcomes and JUnit, and the checks on the evidence.

    `replay` repeats the checks (default: `replay_by_pytest`). Never raises for what the directory
    holds: that is a problem of it.
    """
    problems: list[str] = []
    manifest, hashed = _manifest(directory, problems)
    problems += altered_pages(directory)
    signoff = _signoff(directory, problems)
    replayed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    if signoff is not None:
        if manifest is not None and manifest.run != signoff.run:
            problems.append(
                f"manifest.json is of run {manifest.run}, signoff.json of {signoff.run}"
            )
        problems += contradictions(signoff)
        problems += _junit(signoff, directory)
        problems += _evidence(signoff, directory)
        problems += _repeat(signoff, directory, replay or replay_by_pytest, replayed, skipped)
    return Verification(
        problems=tuple(dict.fromkeys(printable(problem, 500) for problem in problems)),
        verdict="" if signoff is None else signoff.verdict,
        manifest=hashed,
        commit="" if manifest is None else manifest.suite_commit,
        files=0 if manifest is None else len(manifest.files),
        replayed=len(replayed),
        not_replayed=skipped,
    )


def _manifest(directory: Path, problems: list[str]) -> tuple[Manifest | None, str]:
    try:
        manifest = read_manifest(directory)
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        problems.append(f"manifest.json cannot be read: {first_line(str(error))}")
        return None, ""
    problems += altered(manifest, directory)
    return manifest, digest(directory / "manifest.json")[0]


def _signoff(directory: Path, problems: list[str]) -> SignOff | None:
    try:
        return from_text((directory / "signoff.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        problems.append(f"signoff.json cannot be read: {first_line(str(error))}")
        return None


def _junit(signoff: SignOff, directory: Path) -> list[str]:
    try:
        text = (directory / "junit.xml").read_text(encoding="utf-8")
        return list(junit_differences(signoff, text))
    except (OSError, ValueError) as error:
        return [f"junit.xml cannot be compared: {first_line(str(error))}"]


def _evidence(signoff: SignOff, directory: Path) -> list[str]:
    named = {path for result in results_of(signoff) for path in result.evidence}
    return [
        f"{path}: is evidence of a check, and missing"
        for path in sorted(named)
        if not (directory / path).is_file()
    ]


def _repeat(
    signoff: SignOff,
    directory: Path,
    replay: Replay,
    replayed: dict[str, str],
    skipped: dict[str, str],
) -> list[str]:
    written = {result.nodeid: result for result in results_of(signoff)}
    judged = {n: r for n, r in written.items() if r.outcome is not Outcome.BLOCKED}
    if not judged:
        return []
    try:
        found = replay(directory)
    except ReplayError as error:
        return [f"the checks could not be repeated: {error}"]
    problems = []
    for node, result in judged.items():
        again = found.get(node)
        if again is None:
            skipped[node] = "this suite has no such check"
        elif not again["replayed"]:
            skipped[node] = str(again["message"]).removeprefix("not replayed: ")
        else:
            replayed[node] = str(again["outcome"])
            if again["outcome"] != result.outcome:
                why = first_line(str(again["message"]))
                problems.append(
                    f"{node}: {result.outcome} is written, on the stored evidence it is "
                    f"{again['outcome']}" + (f": {why}" if why else "")
                )
    return problems


def replay_by_pytest(directory: Path) -> Mapping[str, Mapping[str, Any]]:
    """Outcome, message and whether it was repeated, by check. Raises ReplayError."""
    with tempfile.TemporaryDirectory(prefix="dpvs-replay-") as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-c", str(SUITE / "pytest.ini"), f"--rootdir={SUITE}"]
        parent = Parent(replay=directory.resolve(), results=results)
        try:
            ran = subprocess.run(
                command,
                cwd=SUITE,
                env=parent.environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPLAY_SECONDS,
                check=False,
            )
            found: Mapping[str, Mapping[str, Any]] = json.loads(results.read_text("utf-8"))
        except subprocess.TimeoutExpired:
            raise ReplayError(f"not done in {REPLAY_SECONDS:g} s") from None
        except (OSError, ValueError):
            said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
            raise ReplayError(said[-1] if said else "pytest said nothing") from None
        return found
