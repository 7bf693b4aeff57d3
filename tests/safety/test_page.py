"""docs/safety.md is what the steps say now."""

from __future__ import annotations

import subprocess
import sys

from .benched import ROOT

SOURCES = ("topologies/fnat-two-arm.yaml", "benches/lb01.example.yaml")


def test_the_page_of_changes_is_current() -> None:
    command = [sys.executable, "-m", "dpvs_acceptance.bringup.page", *SOURCES]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made == (ROOT / "docs/safety.md").read_text(), (
        f"steps have changed: python -m dpvs_acceptance.bringup.page {' '.join(SOURCES)} "
        ">docs/safety.md"
    )
    assert "ip link set dev eth2 down" in made
