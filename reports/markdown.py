"""The report for a merge request: verdict, reasons, table, failures. All text is harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.pieces import Prose
from reports.shown import Group, Page, ShownRequirement
from reports.unjudged import CollapsedGroup

LONGEST = 300
"""Characters of a message in the table."""


def make_markdown(page: Page) -> str:
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    say = page.say
    heads: tuple[str, ...]
    cells: tuple[str, ...]
    yield f"# {plain(page.verdict.text)}"
    yield ""
    for reason in page.reasons:
        yield f"- {plain(reason)}"
    yield ""
    counts = ", ".join(f"{plain(badge.text)} {number}" for badge, number in page.counts)
    yield f"**{say('Requirements')}**: {counts}"
    yield ""
    yield f"| {say('Device under test')} | |"
    yield "|---|---|"
    for name, value in page.facts:
        yield f"| {plain(name)} | {plain(value)} |"
    if page.nics:
        yield ""
        heads = ("NIC", "Link", "Port", "MAC", "PCI address", "Driver", "Firmware", "NUMA node")
        yield "| " + " | ".join(say(head) for head in heads) + " |"
        yield "|" + "---|" * len(heads)
        for nic in page.nics:
            node = "" if nic.numa_node is None else str(nic.numa_node)
            firmware = nic.firmware or "–"
            cells = (nic.name, nic.link, nic.port, nic.mac, nic.pci, nic.driver, firmware, node)
            yield "| " + " | ".join(map(plain, cells)) + " |"
    for group in page.groups:
        yield from _group(group, page)
    if page.guide:
        yield ""
        yield plain(page.guide)
    if page.untranslated:
        yield ""
        yield f"{say('No Chinese text, shown in English')}: {plain(', '.join(page.untranslated))}"
    if page.times:
        yield ""
        words = ", ".join(f"{name} {seconds}" for name, seconds in page.times)
        yield f"**{say('Time of the run')}**: {plain(words)}"
    if page.unjudged:
        yield ""
        yield f"### {plain(say('Not judged by this run'))}"
    for unjudged in page.unjudged:
        yield from _unjudged(unjudged, page)
    for title, found in (
        ("Failures", page.failed),
        ("Not shown by this run", page.not_shown),
    ):
        if found:
            yield ""
            yield f"## {say(title)}"
            for row in found:
                yield from _full(row, page)
    if page.unseen:
        ids = ", ".join(row.id for row in page.unseen)
        yield ""
        yield f"**{plain(page.unseen[0].remark)}**: {plain(ids)}"
    yield from _completion(page)
    if page.waivers:
        yield ""
        yield f"## {say('Waivers')}"
        for one in page.waivers:
            words = f"{one.requirement} ({say(one.state)}): {one.reason}; {one.owner}, {one.issue}"
            yield f"- {plain(words)}, {one.expires}"
    yield ""
    yield f"## {say('How to reproduce')}"
    yield ""
    yield from _block(page.command)
    yield from _block(f"python -m dpvs_acceptance verify reports/runs/{page.run}")
    if page.manifest:
        yield f"{say('SHA-256 of the manifest')}: `{page.manifest}`"
        keys = ", ".join(f"`{key}`" for key in page.keys)
        yield ""
        yield f"{say('Digital signature')}: {keys or say('This run is not signed.')}"


def _completion(page: Page) -> Iterator[str]:
    for heading, found in (
        ("Deviations from the plan", page.completion.deviations),
        ("What blocked the run", page.completion.blocked),
        ("Residual risk", page.completion.risks),
    ):
        yield ""
        yield f"## {page.say(heading)}"
        yield from (f"- {plain(one)}" for one in found or (page.say("Nothing."),))


def _group(group: Group, page: Page) -> Iterator[str]:
    say = page.say
    heads: tuple[str, ...]
    cells: tuple[str, ...]
    if group.title:
        yield ""
        yield f"### {plain(group.title)}"
    if group.requirements:
        yield ""
        heads = ("Id", "Priority", "Outcome", "Requirement", "Source", "Time")
        yield "| " + " | ".join(say(head) for head in heads) + " |"
        yield "|" + "---|" * len(heads)
    for row in group.requirements:
        outcome = row.badge.text + (f" ({say('waived')})" if row.waived else "")
        more = "".join(f"<br>{plain(words)}" for words in (row.remark, row.known) if words)
        statement = _prose(row.statement) + more
        cells = (plain(row.id), row.priority, plain(outcome), statement, plain(row.source))
        yield "| " + " | ".join((*cells, row.seconds)) + " |"
    if group.unchecked:
        words = f"{say('NOT TESTED')}: {len(group.unchecked)} {say('rows')}"
        yield ""
        yield f"<details><summary>{plain(words)}</summary>"
        yield ""
        heads = ("Id", "Priority", "Outcome", "Requirement", "Needs")
        yield "| " + " | ".join(say(head) for head in heads) + " |"
        yield "|" + "---|" * len(heads)
        for one in group.unchecked:
            cells = (plain(one.id), one.priority, plain(say("NOT TESTED")), _prose(one.statement))
            yield "| " + " | ".join((*cells, plain(one.needs))) + " |"
        yield ""
        yield "</details>"


def _unjudged(group: CollapsedGroup, page: Page) -> Iterator[str]:
    say = page.say
    yield ""
    yield f"<details><summary>{plain(group.title)}: {plain(group.why)}</summary>"
    yield ""
    if group.instead:
        yield f"{say('To include them')}: {code(group.instead)}. {plain(page.unjudged_checks)}"
        yield ""
    heads = ("Id", "Priority", "Outcome", "Requirement", "Checks")
    yield "| " + " | ".join(say(head) for head in heads) + " |"
    yield "|" + "---|" * len(heads)
    for one in group.rows:
        checks = f"{one.checks} {', '.join(one.shown_at)}".strip()
        cells = (plain(one.id), one.priority, plain(one.badge.text), _prose(one.statement))
        yield "| " + " | ".join((*cells, plain(checks))) + " |"
    yield ""
    yield "</details>"


def _full(row: ShownRequirement, page: Page) -> Iterator[str]:
    yield ""
    yield f"### {plain(row.id)} {plain(row.badge.text)}"
    yield ""
    yield _prose(row.statement)
    for check in row.checks:
        if check.is_pass:
            continue
        yield ""
        yield f"{plain(check.badge.text)} {code(check.nodeid)}"
        yield ""
        yield from _block(check.message or check.details)
    yield f"**{page.say('Where to look')}**: {_prose(row.hint)}"


def _block(text: str) -> Iterator[str]:
    if text:
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
        yield from (fence, *text.splitlines(), fence, "")


def _prose(pieces: Prose) -> str:
    return "".join(code(text) if is_code else _spaced(text) for is_code, text in pieces)


def _spaced(text: str) -> str:
    """A piece of a sentence: the blanks at its ends are between it and the next."""
    before = " " if text[:1].isspace() else ""
    after = " " if text.strip() and text[-1:].isspace() else ""
    return before + plain(text) + after


def code(text: str) -> str:
    """A code span; one that would break a table or end early is shown as plain text."""
    text = " ".join(text.split())
    return plain(text) if "`" in text or "|" in text else f"`{text}`"


def plain(text: str) -> str:
    """Text of which nothing acts as Markdown or HTML, on one line."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", text)
    # No renderer makes a link of it.
    return re.sub(r"(?i)\b(https?|ftp|www)([:.])", r"\1&#8203;\2", text)
