"""The sign-off document, computed from a run's record and the catalogues. Pure.

A run writes this document, and `verify` recomputes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dpvs_acceptance.model.changes import change_lines
from dpvs_acceptance.model.known import KnownDefect
from dpvs_acceptance.model.requirement import Requirement
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.facts import Profile, RunFacts
from dpvs_acceptance.verdict.judging import Verdict, judge
from dpvs_acceptance.verdict.known import known_in
from dpvs_acceptance.verdict.outcomes import CheckResult
from dpvs_acceptance.verdict.record import Record
from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.unjudged import UnjudgedCatalogue, unjudged

_KEYS = ("id", "nodeid", "name", "requirement", "catalogue")
"""Keys that identify entries of a list."""


def judging_rows(
    catalogue: Sequence[Requirement], judged_by: Sequence[str], profile: Profile
) -> tuple[Requirement, ...]:
    """The rows that judge a run: of its catalogues, those of its profile."""
    return tuple(
        one for one in catalogue if one.catalogue in judged_by and profile.covers(one.priority)
    )


def rows_left(
    catalogue: Sequence[Requirement],
    judged_by: Sequence[str],
    profile: Profile,
    topology: str,
    chosen: bool,
) -> tuple[UnjudgedCatalogue, ...]:
    """All other rows, by their catalogue, each with the reason.

    `chosen`: the catalogues were named by --requirements, not by the topology.
    """
    left: dict[str, list[Requirement]] = {}
    for one in catalogue:
        if one.catalogue not in judged_by or not profile.covers(one.priority):
            left.setdefault(one.catalogue, []).append(one)
    named = ", ".join(judged_by)
    by = f"topology {topology} is judged by {named}"
    if chosen:
        by = f"--requirements={','.join(judged_by)}"
    return tuple(
        UnjudgedCatalogue(name, f"profile {profile}", "--profile=full", tuple(rows))
        if name in judged_by
        else UnjudgedCatalogue(name, by, f"--requirements={name}", tuple(rows))
        for name, rows in left.items()
    )


def verdict_of(
    facts: RunFacts,
    requirements: Sequence[Requirement],
    results: Sequence[CheckResult],
    known: Sequence[KnownDefect],
    changed: Sequence[str] = (),
) -> Verdict:
    """`known`: the defects of the device's version; `changed`: see `change_lines`."""
    return judge(
        facts.kind,
        requirements,
        results,
        facts.problems,
        strict=facts.strict,
        waivers=facts.waivers,
        today=facts.started.date(),
        profile=facts.profile,
        known=known,
        lenient=facts.lenient,
        not_declared=facts.not_declared,
        changed=changed,
    )


def document(
    record: Record,
    catalogue: Sequence[Requirement],
    defects: Sequence[KnownDefect],
    digest: str = "",
) -> SignOff:
    """The document computed from this record. ValueError if its facts are invalid.

    `catalogue`: all rows of all catalogues; `defects`: known ones of all versions; `digest`: the
    SHA-256 of the record's text.
    """
    facts, results = record.run_facts, record.results
    requirements = judging_rows(catalogue, record.judged_by, facts.profile)
    known = known_in(defects, facts.dpvs)
    left = rows_left(catalogue, record.judged_by, facts.profile, facts.topology, record.chosen)
    made = compose(
        facts,
        requirements,
        results,
        verdict_of(facts, requirements, results, known, change_lines(catalogue, record.judged_by)),
        record.finished,
        known,
        unjudged(left, results, record.proving),
    )
    return made.model_copy(update={"record": digest})


def document_differences(written: SignOff, made: SignOff) -> Iterator[str]:
    """Differences between the document and the one computed from its record, a line per field."""
    ours, theirs = (one.model_dump(mode="json", by_alias=True) for one in (made, written))
    for path, was, now in _differences("", theirs, ours):
        if was is _NOTHING:
            yield f"signoff.json: {path} is missing: {_shown(now)}"
        elif now is _NOTHING:
            yield f"signoff.json: {path} is not in the recomputed document: {_shown(was)}"
        else:
            yield f"signoff.json: {path}: {_shown(was)} is written, the record makes {_shown(now)}"


_NOTHING = object()


def _differences(path: str, written: Any, made: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(written, dict) and isinstance(made, dict):
        both: tuple[Mapping[Any, Any], Mapping[Any, Any]] = (written, made)
    elif isinstance(written, list) and isinstance(made, list):
        both = (_numbered(written), _numbered(made))
        if list(both[0]) != list(both[1]) and set(both[0]) == set(both[1]):
            yield f"{path}: order", [*both[0]], [*both[1]]
    else:
        if written != made or type(written) is not type(made):
            yield path, written, made
        return
    for key in dict.fromkeys((*both[0], *both[1])):
        inner = f"{path}.{key}" if path and not isinstance(key, int) else f"{path}[{key}]"
        inner = str(key) if not path else inner
        one, other = (side.get(key, _NOTHING) for side in both)
        if one is _NOTHING or other is _NOTHING:
            yield inner, one, other
        else:
            yield from _differences(inner, one, other)


def _numbered(entries: Sequence[Any]) -> dict[Any, Any]:
    """Entries of a list by name, otherwise by index."""
    for key in _KEYS:
        if entries and all(isinstance(one, dict) and key in one for one in entries):
            names = [str(one[key]) for one in entries]
            if len(set(names)) == len(names):
                return dict(zip(names, entries, strict=True))
    return dict(enumerate(entries))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
