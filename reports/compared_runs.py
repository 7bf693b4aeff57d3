"""Two stored runs compared: outcomes, facts, drift, and known changes of their versions."""

from __future__ import annotations

from pathlib import Path

from dpvs_acceptance.verdict.comparing import Comparison, compare
from dpvs_acceptance.verdict.drift import CONF, RULES, drifted
from dpvs_acceptance.verdict.signoff import from_text
from reports.fleet_pages import portrait_of
from reports.reading import stored_topology

_TOPICS = (CONF, RULES, "addresses", "routes")


def compare_runs(first: Path, second: Path) -> Comparison:
    """Raises OSError, UnicodeDecodeError and pydantic's ValidationError."""
    documents = [from_text((run / "signoff.json").read_text("utf-8")) for run in (first, second)]
    one, other = documents
    portraits = [
        portrait_of(run, run.name, document)
        for run, document in zip((first, second), documents, strict=True)
    ]
    changed = [found for found in drifted(*portraits) if found[0] in _TOPICS]
    return compare(one, other, (_conf(first), _conf(second)), changed, stored_topology(second))


def _conf(directory: Path) -> str:
    path = directory / "evidence" / "declared" / "dpvs.conf"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
