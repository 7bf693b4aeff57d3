"""However a run is brought to its end: the hosts are as they were, and the run says why it ended.

`CASES` are the rows of the table in docs/safety.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal
from dpvs_acceptance.hosts.compare import differences

from .benched import ROOT, Benched
from .blows import BLOWS, Run, small_disk

CASES = (
    ("TERM", "survey"),
    ("TERM", "bring-up"),
    ("TERM", "checks"),
    ("TERM", "undo"),
    ("HUP", "bring-up"),
    ("INT", "checks"),
    ("INT INT", "checks"),
    ("INT INT", "undo"),
    ("TERM INT HUP", "bring-up"),
    ("pipe", "bring-up"),
    ("pipe", "undo"),
    ("pipe INT", "checks"),
    ("disk", "bring-up"),
    ("disk", "checks"),
)
EXIT_BLOCKED = 2


def row(blow: str, phase: str) -> str:
    """As it stands in the table."""
    return f"| {BLOWS[blow].words} | {phase} | nothing | {EXIT_BLOCKED} |"


@pytest.mark.parametrize(("blow", "phase"), CASES)
def test_nothing_is_left_and_the_end_is_named(
    bench: Benched, tmp_path: Path, blow: str, phase: str
) -> None:
    first = {role: bench.snapshot(role) for role in bench.hosts}
    with small_disk(tmp_path / "disk") as folder:
        run = Run(bench.deployment.bench.path, folder, "--dead-man=60")
        try:
            run.wait_for(phase)
            BLOWS[blow].deal(run)
            status = run.end()
        finally:
            run.kill()
        said = run.said
        for role, host in bench.hosts.items():
            assert differences(first[role], bench.snapshot(role)) == (), said
            left = host.run(f"find {journal.ROOT}; pgrep -f dpvs-acceptance-dead-ma[n]").stdout
            assert left == "", f"{role}: {left}\n{said}"
        assert status == EXIT_BLOCKED, said
        assert "Traceback" not in said, said
        (begun,) = (run.reports / "runs").iterdir()
        assert run.latest.resolve() == begun
        files = [one.name for one in run.temporary.iterdir() if one.name != "full"]
        assert files == [], said
        if blow == "disk":
            assert "not come to its end" in (run.latest / "index.html").read_text()
            return
        assert run.signoff()["verdict"] == "BLOCKED", said
        assert BLOWS[blow].says in " ".join(run.signoff()["reasons"]).replace("\\", ""), said


def test_the_table_of_the_documents_is_this_one() -> None:
    page = (ROOT / "docs/safety.md").read_text()
    table = [line for line in page.splitlines() if line.endswith(f"| nothing | {EXIT_BLOCKED} |")]
    assert table == [row(blow, phase) for blow, phase in CASES]
