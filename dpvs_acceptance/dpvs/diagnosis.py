"""Explains why DPVS ended or does not work, from its log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dpvs_acceptance.dpvs.signature import Severity, Signature
from dpvs_acceptance.dpvs.signatures import LCORE_ERRORS, SIGNATURES

LONGEST_LINE = 1024
"""DPVS truncates longer lines itself (include/log.h, DPVS_LOG_MAX_LINE_LEN). The rest is not
searched, since the search time grows with the square of the length."""
_ORDER: tuple[Severity, ...] = ("fatal", "error", "warning", "normal")


@dataclass(frozen=True, slots=True)
class LogFinding:
    """A known line in the log. line_number: of its first occurrence, from 1; times: how often."""

    meaning: str
    cause: str
    line: str
    line_number: int
    times: int
    severity: Severity
    look_at: str
    source: str


def diagnose(lines: Iterable[str], *, normal: bool = False) -> list[LogFinding]:
    """Known lines among `lines` (log, stdout or both), most severe first, then in order.

    Repeated lines are merged. `normal`: include lines that look like errors but are not.
    """
    found: dict[tuple[int, str], LogFinding] = {}
    for number, line in enumerate(lines, start=1):
        for index, signature in enumerate(SIGNATURES):
            match = signature.pattern.search(line, 0, LONGEST_LINE)
            if match is None or (signature.severity == "normal" and not normal):
                continue
            key = (index, match[0])
            seen = found.get(key)
            found[key] = LogFinding(
                meaning=_meaning(signature, match),
                cause=signature.cause,
                line=seen.line if seen else line[:LONGEST_LINE].strip(),
                line_number=seen.line_number if seen else number,
                times=seen.times + 1 if seen else 1,
                severity=signature.severity,
                look_at=signature.look_at,
                source=signature.source,
            )
    return sorted(found.values(), key=lambda one: (_ORDER.index(one.severity), one.line_number))


def explanations(lines: Iterable[str]) -> list[str]:
    """A sentence for each known failure among `lines`: what it means, why, and where to look."""
    return [
        f"{one.meaning}: {one.cause}; look at {one.look_at} ({one.source})"
        for one in diagnose(lines)
        if one.severity in ("fatal", "error")
    ]


def _meaning(signature: Signature, match: re.Match[str]) -> str:
    text = signature.meaning
    for index, group in enumerate(match.groups(), start=1):
        text = text.replace(f"{{{index}}}", group or "")
    if "{lcore}" in text:
        text = text.replace("{lcore}", LCORE_ERRORS.get(int(match[1][:9]), "an unknown number"))
    return text
