"""Why DPVS died or does not work: what its log says, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dpvs_acceptance.dpvs.signatures import LCORE_ERRORS, SIGNATURES, Severity, Signature

LONGEST_LINE = 1024
"""DPVS cuts longer lines itself (include/log.h, DPVS_LOG_MAX_LINE_LEN). What stands behind is not
searched: a search takes the square of a line's length."""
_ORDER: tuple[Severity, ...] = ("fatal", "error", "warning", "normal")


@dataclass(frozen=True, slots=True)
class LogFinding:
    """A known line that was seen. line_number: of its first time, from 1; times: how often."""

    meaning: str
    cause: str
    line: str
    line_number: int
    times: int
    severity: Severity
    look_at: str
    source: str


def diagnose(lines: Iterable[str], *, normal: bool = False) -> list[LogFinding]:
    """What is known about `lines` (log, stdout or both), worst first, then in order.

    The same words several times are one finding. `normal`: also what looks bad and is not.
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


def _meaning(signature: Signature, match: re.Match[str]) -> str:
    text = signature.meaning
    for index, group in enumerate(match.groups(), start=1):
        text = text.replace(f"{{{index}}}", group or "")
    if "{lcore}" in text:
        text = text.replace("{lcore}", LCORE_ERRORS.get(int(match[1][:9]), "a number not known"))
    return text
