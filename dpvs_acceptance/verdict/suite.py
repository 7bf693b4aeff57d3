"""Which suite made a run: its commit in a clone, its version where it is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dpvs_acceptance import __version__
from dpvs_acceptance.model.site import INSTALLED, SUITE
from dpvs_acceptance.verdict.facts import UNKNOWN


def suite_commit(site: Path) -> str:
    """`git describe` of the clone; of an installed suite its version, and that of the site."""
    if not INSTALLED:
        return _described(SUITE) or UNKNOWN
    return f"{__version__}, site {_described(site) or UNKNOWN}"


def is_suite(commit: str, site: Path) -> bool:
    """Whether this is the very suite that made a run: a clean tree of that commit."""
    return bool(commit) and not commit.endswith("-dirty") and suite_commit(site) == commit


def _described(folder: Path) -> str:
    """Empty outside of a repository, and without git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip()
