"""The same content as the page on A4, by ReportLab: pure Python, no browser needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.platypus import KeepTogether, SimpleDocTemplate, Spacer, Table, TableStyle

from reports.pdf.checks import check_of, in_full
from reports.pdf.pictures import drawn
from reports.pdf.setting import (
    BODY,
    CELL,
    CHINESE,
    COLOURS,
    H1,
    H2,
    MARGIN,
    ROOM,
    badge_of,
    bold,
    make_style,
    plain,
    prose_of,
    text_of,
)
from reports.pdf.tables import block, grid, table_of
from reports.pdf.unjudged import besides_of
from reports.shown import Group, Page


def make_pdf(page: Page) -> bytes:
    """The document; the same page always gives the same bytes."""
    registerFont(UnicodeCIDFont(CHINESE))
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=plain(page.title),
        author="dpvs-acceptance",
        invariant=1,
        lang="zh-CN" if page.language == "zh" else "en",
    )

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont("Helvetica", 7.5)
        canvas.setFillColor(colors.HexColor(COLOURS["soft"]))
        canvas.drawString(MARGIN, 8 * mm, f"DPVS acceptance  {plain(page.run)}")
        canvas.drawRightString(A4[0] - MARGIN, 8 * mm, str(canvas.getPageNumber()))

    document.build(list(_story(page)), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _story(page: Page) -> Iterator[Any]:
    say = page.say
    colour = COLOURS[page.verdict.shape]
    head = text_of(page.verdict.text, make_style("verdict", 22, textColor=colour, leading=28))
    box = Table([[head]], colWidths=[ROOM])
    box.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 1.5, colors.HexColor(colour))]))
    yield text_of(f"{say('DPVS acceptance')}  {page.run}", make_style("top", 9))
    yield Spacer(1, 6)
    yield box
    yield Spacer(1, 4)
    yield from (text_of("• " + reason, BODY) for reason in page.reasons)
    yield Spacer(1, 6)
    if page.fault:
        told = "A fault was injected: this run tells about the checks, not about the device"
        yield text_of(f"{say(told)}: {page.fault}", BODY)
    if page.simulated:
        yield text_of(say("The device is simulated. This report signs nothing off."), BODY)
    counts = ", ".join(f"{badge.text} {number}" for badge, number in page.counts)
    yield text_of(f"{say('Requirements')}: {counts}", BODY)
    if page.besides:
        titles = "; ".join(group.title for group in page.besides)
        yield text_of(f"{say('Not judged by this run')}: {titles}", BODY)
    yield from _device(page)
    if page.topology is not None:
        yield KeepTogether([text_of(say("Topology"), H1), drawn(page.topology)])
    yield text_of(say("Requirements"), H1)
    for group in page.groups:
        yield from _group(group, page)
    yield from _waivers(page)
    for title, found in (
        ("What failed", page.failed),
        ("What this run does not show", page.not_shown),
    ):
        if found:
            yield text_of(say(title), H1)
            for row in found:
                yield from in_full(row, page)
    if page.unseen:
        ids = ", ".join(row.id for row in page.unseen)
        yield text_of(f"{page.unseen[0].remark}: {ids}", BODY)
    for check in page.others:
        yield text_of(say("Of no requirement"), H2)
        yield from check_of(check, page)
    for heading, pictures in page.pictures:
        yield KeepTogether([text_of(heading, H1), *map(drawn, pictures)])
    yield _signature(page)
    yield from _again(page)
    yield from besides_of(page)


def _device(page: Page) -> Iterator[Any]:
    say = page.say
    yield text_of(say("Device under test"), H1)
    rows = [[text_of(name, CELL), text_of(value, CELL)] for name, value in page.facts]
    yield Table(
        rows,
        colWidths=[35 * mm, ROOM - 35 * mm],
        style=[("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)],
    )
    if page.nics:
        heads = (
            "NIC",
            "MAC",
            "PCI address",
            "Link",
            "Port",
            "Model",
            "Driver",
            "Firmware",
            "NUMA node",
        )
        cells = [
            (
                n.name,
                n.mac,
                n.pci,
                n.link,
                n.port,
                n.model,
                n.driver,
                n.firmware or "–",
                _number(n.numa_node),
            )
            for n in page.nics
        ]
        shares = (7, 17, 13, 6, 8, 10, 20, 11, 8)
        yield Spacer(1, 6)
        yield grid([say(head) for head in (*heads, "NUMA node")], cells, shares)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _group(group: Group, page: Page) -> Iterator[Any]:
    say = page.say
    if group.title:
        yield text_of(group.title, H2)
    if group.requirements:
        yield _requirements(group, page)
    if group.unchecked:
        words = f"{say('NOT TESTED')}: {len(group.unchecked)} {say('rows')}"
        yield text_of(f"{words}. {say('Not checked: these decide nothing')}", H2)
        yield _unchecked(group, page)


def _unchecked(group: Group, page: Page) -> Table:
    heads = ("Id", "Priority", "What must hold", "Needs")
    rows: list[list[Any]] = [[bold(page.say(head)) for head in heads]]
    rows += [
        [
            text_of(one.id, CELL),
            text_of(one.priority, CELL),
            prose_of(one.statement, CELL),
            text_of(one.needs, CELL),
        ]
        for one in group.unchecked
    ]
    return table_of(rows, (9, 8, 62, 21))


def _requirements(group: Group, page: Page) -> Table:
    say = page.say
    heads = ("Id", "Priority", "Outcome", "What must hold", "Source", "Time")
    rows: list[list[Any]] = [[bold(say(head)) for head in heads]]
    for row in group.requirements:
        statement: list[Any] = [prose_of(row.statement, CELL)]
        soft = make_style("soft", 7.5, textColor=COLOURS["soft"])
        statement += [text_of(words, soft) for words in (row.remark, row.known) if words]
        outcome = [badge_of(row.badge)]
        if row.waived:
            outcome.append(text_of(say("waived"), CELL))
        rows.append(
            [
                text_of(row.id, CELL),
                text_of(row.priority, CELL),
                outcome,
                statement,
                text_of(row.source, CELL),
                text_of(row.seconds, CELL),
            ]
        )
    shares = (8, 8, 16, 48, 12, 10)
    return table_of(rows, shares)


def _waivers(page: Page) -> Iterator[Any]:
    if page.waivers:
        say = page.say
        yield text_of(say("Waivers"), H1)
        heads = ("Id", "State", "Reason", "Owner", "Issue", "Expires")
        cells = [
            (w.requirement, say(w.state), w.reason, w.owner, w.issue, str(w.expires))
            for w in page.waivers
        ]
        yield grid([say(head) for head in heads], cells, (8, 10, 40, 15, 15, 12))


def _signature(page: Page) -> Any:
    say = page.say
    heads = ("", "Name", "Role", "Date", "Remarks", "Signature")
    rows: list[list[Any]] = [[bold(say(head)) for head in heads]]
    rows += [[text_of(say(who), CELL)] + [""] * 5 for who in ("Tested by", "Released by")]
    table = Table(
        rows,
        colWidths=[ROOM * s / 100 for s in (14, 18, 14, 12, 24, 18)],
        rowHeights=[None, 40, 40],
    )
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor(COLOURS["soft"]))]
    table.setStyle(TableStyle(grid))
    return KeepTogether([text_of(say("Sign-off"), H1), table])


def _again(page: Page) -> Iterator[Any]:
    say = page.say
    yield text_of(say("How to reproduce"), H1)
    if page.command:
        yield text_of(f"{say('In a clone of the suite at this commit')} ({page.commit}):", BODY)
        yield from block(page.command)
    yield text_of(say("Check that nothing was altered, and judge again"), BODY)
    yield from block(f"python -m dpvs_acceptance verify reports/runs/{page.run}")
    if page.manifest:
        yield text_of(f"{say('SHA-256 of the manifest')}: {page.manifest}", CELL)
