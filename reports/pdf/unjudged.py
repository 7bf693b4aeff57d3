"""What does not judge the run, behind all that does: on paper nothing folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportlab.platypus import PageBreak, Table

from reports.pdf.setting import BODY, CELL, H1, H2, badge_of, bold, prose_of, text_of
from reports.pdf.tables import table_of
from reports.shown import Page
from reports.unjudged import BesideGroup


def besides_of(page: Page) -> Iterator[Any]:
    if not page.besides:
        return
    say = page.say
    yield PageBreak()
    yield text_of(say("Not judged by this run"), H1)
    yield text_of(f"{say('These decide nothing')}. {page.beside_checks}", BODY)
    for group in page.besides:
        yield text_of(group.title, H2)
        how = f"; {say('To judge by them')}: {group.instead}" if group.instead else ""
        yield text_of(group.why + how, BODY)
        yield _rows(group, page)


def _rows(group: BesideGroup, page: Page) -> Table:
    heads = ("Id", "Priority", "Outcome", "What must hold", "Checks", "Told at")
    rows: list[list[Any]] = [[bold(page.say(head)) for head in heads]]
    rows += [
        [
            text_of(one.id, CELL),
            text_of(one.priority, CELL),
            badge_of(one.badge),
            prose_of(one.statement, CELL),
            text_of(one.checks, CELL),
            text_of(", ".join(one.shown_at), CELL),
        ]
        for one in group.rows
    ]
    return table_of(rows, (9, 8, 15, 50, 8, 10))
