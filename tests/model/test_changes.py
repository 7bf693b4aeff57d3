"""What a site changes of the suite's rows, and that the verdict says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.changes import apply_changes, change_lines
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import Held, Priority
from dpvs_acceptance.model.site import SUITE, Site
from dpvs_acceptance.verdict.facts import DeviceKind
from dpvs_acceptance.verdict.judging import judge
from tests.verdict.builders import check, requirement

ROWS = (
    requirement("S01", "P3"),
    requirement("S29", "P1"),
    requirement("FWD-01", "P1", "upstream", Held.WHERE_CHECKED),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "ours.yaml"
    path.write_text("changes:\n" + text)
    return path


def test_a_row_is_raised_or_lowered_and_a_catalogue_held_as_a_whole(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "  - {requirement: S29, priority: P3, reason: no echo here}\n"
        "  - {requirement: S01, priority: P1, reason: latency}\n"
        "  - {catalogue: upstream, held: whole, reason: all of it}\n",
    )
    changed = apply_changes(ROWS, [path])
    assert [row.priority for row in changed] == [Priority.P1, Priority.P3, Priority.P1]
    assert changed[2].held is Held.WHOLE
    assert change_lines(changed, ["seed"]) == (
        "S01 is P1 instead of P3 (ours.yaml): latency",
        "S29 is P3 instead of P1 (ours.yaml): no echo here",
    )
    assert change_lines(changed, ["upstream"]) == (
        "upstream is held whole instead of where checked (ours.yaml): all of it",
    )


def test_the_verdict_gives_the_reason_of_a_lowered_row() -> None:
    """Also where the run's profile has the row no more."""
    lines = ("S29 is P3 instead of P1 (ours.yaml): no echo here",)
    verdict = judge(DeviceKind.HARDWARE, ROWS[:1], [check("PASS", "S01")], changed=lines)
    assert verdict.name == "READY"
    assert lines[0] in verdict.reasons


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{requirement: S29, priority: P3}", "changes.0.reason: this key is missing"),
        ("{requirement: S99, priority: P3, reason: r}", "changes.0: no requirement S99"),
        ("{catalogue: sed, held: whole, reason: r}", "changes.0: no catalogue sed"),
        ("{requirement: S29, held: whole, reason: r}", "expected `requirement` and `priority`"),
        ("{requirement: S29, priority: P9, reason: r}", "changes.0.priority: expected 'P1', 'P2'"),
    ],
)
def test_a_change_that_cannot_be_used_is_one_sentence(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path, f"  - {row}\n")
    with pytest.raises(DeclarationError) as error:
        apply_changes(ROWS, [path])
    assert str(error.value).startswith(f"{path}:2: changes.0")
    assert said in str(error.value)


def test_a_site_s_files_come_before_the_suite_s(tmp_path: Path) -> None:
    for name in ("topologies/nat64.yaml", "requirements/ours.yaml", "suites/test_a.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    site = Site(tmp_path, extends=True)
    assert site.file("topologies", "nat64") == tmp_path / "topologies/nat64.yaml"
    assert site.file("topologies", "vlan") == SUITE / "topologies/vlan.yaml"
    assert site.file("topologies", "nonsense") is None
    assert {"ours", "seed", "upstream"} <= set(site.names("requirements"))
    assert site.catalogues[0].stem == "seed"
    assert site.catalogues[-1] == tmp_path / "requirements/ours.yaml"
    assert site.suites[1:] == (tmp_path / "suites",)
