"""Verifies that a stored run is unaltered and that its evidence gives the same verdict."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpvs_acceptance.model.changes import apply_changes
from dpvs_acceptance.model.known import KnownDefect, load_known
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import Requirement, load_requirements
from dpvs_acceptance.model.site import INSTALLED, SUITE, SUITES_NAME, settings_of, site_here
from dpvs_acceptance.replay.stored_run import cross_checked
from dpvs_acceptance.verdict.crosschecking import (
    file_differences,
    manifest_differences,
    replay_differences,
)
from dpvs_acceptance.verdict.facts import Profile
from dpvs_acceptance.verdict.junit import junit_differences
from dpvs_acceptance.verdict.manifest import (
    Manifest,
    altered,
    altered_pages,
    digest,
    read_manifest,
)
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.parent import Parent
from dpvs_acceptance.verdict.recomputing import contradictions, results_of
from dpvs_acceptance.verdict.record import (
    DOCUMENT,
    RECORD,
    Record,
    evidence_files,
    read_record,
    text_digest,
)
from dpvs_acceptance.verdict.rederiving import document, document_differences
from dpvs_acceptance.verdict.signoff import SignOff, from_text, to_text
from dpvs_acceptance.verdict.words import first_line, printable

REPLAY_SECONDS = 300.0

Replay = Callable[[Path], Mapping[str, Mapping[str, Any]]]
Catalogues = tuple[Sequence[Requirement], Sequence[KnownDefect]]
CrossCheck = Callable[[SignOff, Record, Path], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of `verify`. `problems`: one line each; none means unaltered."""

    problems: tuple[str, ...]
    verdict: str
    manifest: str
    commit: str
    """Version of the suite that made the run."""
    files: int
    replayed: int
    not_replayed: Mapping[str, str]
    """Check to the reason why it was not repeated on the evidence."""


class ReplayError(Exception):
    """The checks could not be repeated at all."""


def verify(
    directory: Path,
    replay: Replay | None = None,
    catalogues: Catalogues | None = None,
    cross_check: CrossCheck = cross_checked,
) -> Verification:
    """Compares hashes, recomputes the document, cross-checks files, and replays the checks.

    `replay` repeats the checks (default: `replay_by_pytest`), `catalogues` are the rows and the
    known defects that the document is computed with (default: this suite's), `cross_check` holds it
    against the run's evidence. Never raises for what the directory holds: that is a problem of it.
    """
    problems: list[str] = []
    manifest, hashed = _manifest(directory, problems)
    problems += altered_pages(directory)
    signoff = _signoff(directory, problems)
    replayed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    if signoff is not None:
        record = _record(directory, signoff, problems)
        problems += contradictions(signoff)
        problems += _junit(signoff, directory)
        problems += _evidence(signoff, directory)
        if record is not None:
            problems += file_differences(record, evidence_files(directory))
            if manifest is not None:
                problems += manifest_differences(manifest, record, signoff)
            problems += _anew(signoff, record, catalogues)
            problems += cross_check(signoff, record, directory)
        again = replay or partial(replay_by_pytest, profile=signoff.profile)
        problems += _repeat(signoff, record, directory, again, replayed, skipped)
    return Verification(
        problems=tuple(dict.fromkeys(printable(problem, 500) for problem in problems)),
        verdict="" if signoff is None else signoff.verdict,
        manifest=hashed,
        commit="" if manifest is None else manifest.suite_commit,
        files=0 if manifest is None else len(manifest.files),
        replayed=len(replayed),
        not_replayed=skipped,
    )


def _record(directory: Path, signoff: SignOff, problems: list[str]) -> Record | None:
    try:
        text = (directory / RECORD).read_bytes().decode("utf-8")
        record = read_record(text)
    except (OSError, ValueError) as error:
        problems.append(f"{RECORD} cannot be read: {first_line(str(error))}")
        return None
    if text_digest(text) != signoff.record:
        problems.append(f"{RECORD}: its digest is not the one in signoff.json")
    return record


def _anew(signoff: SignOff, record: Record, catalogues: Catalogues | None) -> list[str]:
    """Compares the document with the one computed from record and catalogues."""
    try:
        rows, defects = catalogues or suite_catalogues()
        made = document(record, rows, defects, signoff.record)
    except (OSError, ValueError, DeclarationError) as error:
        return [f"the document cannot be recomputed: {first_line(str(error))}"]
    return list(document_differences(signoff, made))


def suite_catalogues() -> tuple[tuple[Requirement, ...], tuple[KnownDefect, ...]]:
    """All rows and all known defects of this suite and site. Raises DeclarationError."""
    site = site_here(Path.cwd())
    files = site.catalogues
    rows = apply_changes(load_requirements(files), files)
    return rows, load_known(site.known_defects, {row.id for row in rows})


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
        text = (directory / DOCUMENT).read_bytes().decode("utf-8")
        signoff = from_text(text)
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        problems.append(f"{DOCUMENT} cannot be read: {first_line(str(error))}")
        return None
    if to_text(signoff) != text:
        problems.append(f"{DOCUMENT}: is not written as a run writes it")
    return signoff


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
    record: Record | None,
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
    problems = [] if record is None else list(replay_differences(signoff, record, found))
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


def replay_by_pytest(
    directory: Path, profile: Profile = Profile.FULL
) -> Mapping[str, Mapping[str, Any]]:
    """Outcome, message and whether it was repeated, by check. Raises ReplayError."""
    with tempfile.TemporaryDirectory(prefix="dpvs-replay-") as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        site = site_here(Path.cwd()).root
        settings = settings_of(site) if INSTALLED else SUITE / "pytest.ini"
        command.append(f"--rootdir={site}")
        command += ["-c", str(settings)] if settings else ["--pyargs", SUITES_NAME]
        parent = Parent(replay=directory.resolve(), results=results)
        command.append(f"--profile={profile}")
        try:
            ran = subprocess.run(
                command,
                cwd=site,
                env=parent.environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPLAY_SECONDS,
                check=False,
            )
            found: Mapping[str, Mapping[str, Any]] = json.loads(results.read_text("utf-8"))
        except subprocess.TimeoutExpired:
            raise ReplayError(f"not finished within {REPLAY_SECONDS:g} s") from None
        except (OSError, ValueError):
            said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
            raise ReplayError(said[-1] if said else "no output of pytest") from None
        return found
