"""Rows that do not judge the run, as the pages show them: collapsed, and complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.unjudged import UnjudgedRow, UnjudgedRows
from reports.language import Say, reason
from reports.pieces import Badge, Prose, badge_of, prose


@dataclass(frozen=True, slots=True)
class CollapsedRow:
    id: str
    priority: str
    statement: Prose
    badge: Badge
    checks: str
    """How many of its checks this run made; a dash where this topology has none."""
    shown_at: tuple[str, ...]
    """Rows that judge this run, which these checks prove as well: they are shown there in full."""


@dataclass(frozen=True, slots=True)
class CollapsedGroup:
    """The rows of one catalogue that do not judge the run."""

    title: str
    why: str
    instead: str
    """The command line by which they do."""
    rows: tuple[CollapsedRow, ...]


def collapsed(signoff: SignOff, say: Say) -> Iterator[CollapsedGroup]:
    proving: dict[str, list[str]] = {}
    for row in signoff.requirements:
        for check in row.checks:
            proving.setdefault(check.nodeid, []).append(row.id)
    for rows in signoff.unjudged:
        yield CollapsedGroup(
            title=_title(rows, say),
            why=reason(rows.why, signoff.language),
            instead=f"pytest {rows.instead}" if rows.instead else "",
            rows=tuple(_row(row, signoff.language, proving, say) for row in rows.rows),
        )


def _title(rows: UnjudgedRows, say: Say) -> str:
    counts = ", ".join(f"{say(outcome)} {number}" for outcome, number in rows.counts)
    return f"{rows.catalogue}: {len(rows.rows)} {say('rows')} ({counts})"


def _row(row: UnjudgedRow, language: str, proving: dict[str, list[str]], say: Say) -> CollapsedRow:
    made = len(row.checks)
    whole = made + row.left_out
    return CollapsedRow(
        id=row.id,
        priority=row.priority,
        statement=prose((language == "zh" and row.statement_zh) or row.statement),
        badge=badge_of(row.outcome, say),
        checks=f"{made} / {whole}" if whole else "–",
        shown_at=tuple(dict.fromkeys(i for node in row.checks for i in proving.get(node, ()))),
    )
