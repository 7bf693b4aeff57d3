"""A requirement with its checks in full: messages, commands, packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportlab.platypus import KeepTogether, Spacer

from reports.pdf.pictures import drawn
from reports.pdf.setting import BODY, CELL, COLOURS, H2, make_style, prose_of, text_of
from reports.pdf.tables import block, grid
from reports.shown import Check, Page, ShownRequirement


def in_full(row: ShownRequirement, page: Page) -> Iterator[Any]:
    head = f"{row.id}  {row.badge.text}  ({row.priority}, {row.source})"
    yield text_of(head, H2)
    yield prose_of(row.statement, BODY)
    if row.badge.shape != "skipped":
        yield prose_of(((False, page.say("Look at") + ": "), *row.hint), BODY)
    for check in row.checks:
        if not check.is_pass:
            yield from check_of(check, page)


def check_of(check: Check, page: Page) -> Iterator[Any]:
    say = page.say
    cells: list[tuple[str, ...]]
    yield Spacer(1, 3)
    yield text_of(f"{check.badge.text}  {check.nodeid}  {check.seconds}", CELL)
    if check.sides:
        cells = [
            (_cut(side.what), _cut(side.expected), _cut(side.seen)) for side in check.sides[:20]
        ]
        yield grid(["", say("Expected"), say("Seen")], cells, (30, 35, 35))
    if check.message:
        yield Spacer(1, 3)
        yield from block(check.message)
    if check.probe:
        yield text_of(say("What the probe said"), CELL)
        yield from block(check.probe)
    ladder = check.ladder or next((t.ladder for t in check.attempts if t.ladder), None)
    if ladder is not None:
        yield KeepTogether([text_of(say("Packets, as captured"), CELL), drawn(ladder.picture)])
    if check.commands:
        heads = ["#", say("Host"), say("Command"), say("Exit")]
        cells = [
            (
                str(c.number),
                c.host,
                _cut(c.command),
                "–" if c.exit_status is None else str(c.exit_status),
            )
            for c in check.commands
        ]
        yield grid(heads, cells, (6, 12, 74, 8))
    for found in check.evidence:
        yield text_of(found.text, make_style("path", 7, textColor=COLOURS["soft"]))


def _cut(text: str) -> str:
    """As much as a cell may hold: a row has to fit on a page. The whole stands below it."""
    lines = text[:600].splitlines()
    return "\n".join(lines[:12]) + ("\n…" if len(lines) > 12 or len(text) > 600 else "")
