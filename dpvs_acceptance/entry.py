"""Entry point of an installed suite: loads its plugins where pytest is to run the suite's checks.

In other sessions of the same environment it does nothing. A clone has `conftest.py` for that.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from dpvs_acceptance.model.site import INSTALLED, SUITE, SUITES_NAME
from dpvs_acceptance.verdict.judging import EXIT_USAGE

OWN_NAMES = ("fixtures", "reports", "softlab", "faults")
"""The packages of the suite besides `dpvs_acceptance`, importable in these sessions only."""


def add_own_packages() -> None:
    """Makes OWN_NAMES importable; in a clone they are next to this package."""
    if INSTALLED and str(SUITE) not in sys.path:
        sys.path.insert(0, str(SUITE))


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    named = [*args, *early_config.getini("testpaths")]
    if not INSTALLED or not any(word.startswith(SUITES_NAME) for word in named):
        return
    root = early_config.rootpath
    for name in OWN_NAMES:
        if (root / f"{name}.py").exists() or (root / name / "__init__.py").exists():
            print(
                f"ERROR: {root / name}: the suite has a package of this name: choose another one",
                file=sys.stderr,
            )
            raise SystemExit(EXIT_USAGE)
    add_own_packages()
    for plugin in runpy.run_path(str(SUITE / "conftest.py"))["pytest_plugins"]:
        early_config.pluginmanager.import_plugin(plugin)
