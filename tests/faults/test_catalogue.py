"""The catalogue is well-formed, and no check of the suite stands outside of it."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

import pytest

from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.model.rows import rows_of
from faults.loading import load_faults
from faults.model import Fault
from fixtures.fault_matrix import OWN, named
from softlab.simulated import quirks

ROOT = Path(__file__).resolve().parents[2]
FAULTS = load_faults()
ROWS = load_requirements(sorted((ROOT / "requirements").glob("*.yaml")))
REQUIREMENTS = {row.id for row in ROWS}
OF_THE_SITE = {row.id for row in ROWS if row.site}
SOURCES = re.compile(
    r"failure mode (\d+)|seed [1-4](\.\d+)*|upstream \S+|release notes|issue", re.ASCII
)
LAST_FAILURE_MODE = 67  # rows of what is known to break when people deploy DPVS

# Checks that nothing in the catalogue can turn red yet, each with its reason.
KNOWN_GAPS = {
    "test_http_from_the_runner_itself": "turned red by tests/fixtures/test_runner_as_client.py",
    # What the simulated DPVS has no option for (docs/findings.md).
    **dict.fromkeys(
        ("test_an_open_connection_outlives_weight_0_also_with_persistence",),
        "red on every build that has the option",
    ),
    "test_the_nic_map_matches_the_bench": "a wrong map stops the run before it",
}


def checks() -> dict[str, set[str]]:
    """Every check of the suites with the requirements it proves, as its marks say."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "suites").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "pytestmark":
                whole = _requirements(node.value)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = set().union(*(_requirements(one) for one in node.decorator_list), whole)
                found[node.name] = own
    return found


def _requirements(node: ast.expr) -> set[str]:
    calls = [c for c in ast.walk(node) if isinstance(c, ast.Call)]
    marks = [
        c for c in calls if getattr(c.func, "id", getattr(c.func, "attr", "")) == "requirement"
    ]
    words = {str(a.value) for c in marks for a in c.args if isinstance(a, ast.Constant)}
    return {row for word in words for row in rows_of(word)}


CHECKS = checks()


def test_most_faults_can_be_made_in_front_of_any_device() -> None:
    """Of those for the article's topology; on software ports 23 lack what they would break."""
    here = [fault for fault in FAULTS if not fault.topology]
    assert sum(fault.kind != "simulated" for fault in here) >= 180 + 23


def test_a_topology_without_a_pattern_has_its_own_faults_made_or_else_all_others() -> None:
    def made(topology: str, pattern: str = OWN) -> set[str]:
        return {f.name for f in named([f for f in FAULTS if f.topology in ("", topology)], pattern)}

    assert made("vlan") == {"vlan-gone", "vlan-has-no-vip", "vlan-has-no-kni"}
    assert made("fnat-two-arm") == {fault.name for fault in FAULTS if not fault.topology}
    assert made("vlan", "*-gone") == {"vlan-gone", "vhost-net-gone", "kni-gone"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_names_what_exists(fault: Fault) -> None:
    assert {*fault.red, *fault.green, *fault.may} <= REQUIREMENTS
    source = SOURCES.fullmatch(fault.source)
    assert source, fault.source
    assert source[1] is None or 1 <= int(source[1]) <= LAST_FAILURE_MODE
    assert not fault.quirk or fault.quirk in quirks.KNOWN


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_breaks_is_proven_by_a_check(fault: Fault) -> None:
    """Otherwise its red could never be seen, whatever the checks do."""
    proven = set[str]().union(*CHECKS.values())
    turned = {*fault.red, *fault.green}
    assert turned <= proven, f"no check proves {turned - proven}"


def test_no_two_faults_are_made_in_the_same_way() -> None:
    made = [
        (tuple(sorted(f.inject.items())), f.restart, f.wire, f.quirk, f.after, f.revive)
        for f in FAULTS
    ]
    twice = [f.name for f, how in zip(FAULTS, made, strict=True) if made.count(how) > 1]
    # The same death of dpvs, seen by the state checks and by those of traffic.
    assert not twice, twice


def test_every_quirk_of_the_simulated_dpvs_is_a_fault() -> None:
    assert {f.quirk for f in FAULTS if f.quirk} == quirks.KNOWN


def test_every_check_is_aimed_at_by_a_fault() -> None:
    """Whether it hits is what the matrix says; here: some fault breaks what the check proves."""
    aimed = {
        name
        for name, ids in CHECKS.items()
        for fault in FAULTS
        if ids & {*fault.red, *fault.green, *fault.may}
    }
    missing = set(CHECKS) - aimed - set(KNOWN_GAPS)
    own = {name for name in missing if CHECKS[name] and CHECKS[name] <= OF_THE_SITE}
    for name in sorted(own):
        warnings.warn(f"no fault of faults/catalogue turns {name} red", stacklevel=1)
    assert missing - own == set()
    assert set(KNOWN_GAPS) <= set(CHECKS)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{name: a, breaks: It., source: issue, inject: {dut: x}, red: [S1]}",
         "no repair for dut"),
        ("{name: a, breaks: It., source: issue, red: [S1]}", "nothing is broken"),
        ("{name: a, breaks: It., source: issue, quirk: q, red: []}",
         "nor why it survives"),
        ("{name: a, breaks: It., source: issue, quirk: q, red: [S1], green: [S2]}",
         "breaks nothing else"),
        ("{name: a, breaks: It, source: issue, quirk: q, red: [S1]}",
         "one sentence"),
        ("{name: a, breaks: It., source: issue, wire: [{do: lose}], red: [S1]}",
         "there is no 'lose'"),
        ("{name: a, breaks: It., source: issue, wire: [{do: drop, way: 1}], red: [S1]}", "way"),
        ("{name: A b, breaks: It., source: issue, quirk: q, red: [S1]}", "name"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_refused(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text(f"faults:\n  - {row}\n")
    with pytest.raises(DeclarationError, match=words):
        load_faults([path])


def test_a_name_is_given_once(tmp_path: Path) -> None:
    row = "{name: a, breaks: It., source: issue, quirk: q, red: [S1]}"
    path = tmp_path / "rows.yaml"
    path.write_text(f"faults:\n  - {row}\n  - {row}\n")
    with pytest.raises(DeclarationError, match="already"):
        load_faults([path])
