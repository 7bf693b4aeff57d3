"""The generated faults: all of them can be made, and a sample is the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.model.requirement import load_requirements
from dpvs_acceptance.verdict.outcomes import Outcome
from faults.generated import by_name, load_generator, sample
from faults.loading import load_faults
from faults.matrix import Fate, Matrix, judge
from faults.model import GENERATED
from faults.page import render
from faults.wire import watched
from tests.faults.test_matrix import result

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = load_generator()
EVERY = (*GENERATOR.packets(), *GENERATOR.states())


def test_every_one_has_its_own_name_and_a_requirement_that_exists() -> None:
    assert len(EVERY) > 10_000
    names = {fault.name for fault in EVERY}
    assert len(names) == len(EVERY)
    assert not names & {fault.name for fault in load_faults()}
    files = [ROOT / f"requirements/{name}.yaml" for name in ("seed", "users")]
    known = {r.id for r in load_requirements(files)}
    assert {one for fault in EVERY for one in (*fault.red, *fault.may)} <= known
    assert all(fault.red and fault.generated for fault in EVERY)


def test_every_deed_and_every_selection_is_used() -> None:
    deeds = {fault.source.removeprefix(GENERATED) for fault in GENERATOR.packets()}
    assert deeds == set(GENERATOR.deeds)
    unused = [
        name
        for name in GENERATOR.selections
        if not any(fault.name.endswith(f"-{name}") for fault in GENERATOR.packets())
    ]
    assert not unused


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    names = [fault.name for fault in sample(300, 1)]
    assert names == [fault.name for fault in sample(300, 1)]
    assert len(set(names)) == 300
    assert len(set(names) & {fault.name for fault in sample(300, 2)}) < 150
    assert len({fault.source for fault in sample(300, 1)}) > len(GENERATOR.deeds)


def test_a_generated_fault_is_found_by_its_name() -> None:
    some = sample(1, 5)[0]
    assert by_name(some.name) == some
    assert by_name("g-no-such") is None


def test_the_control_watches_for_all_of_which_some_are_affected() -> None:
    tenth, each = (by_name(f"g-lost-data-dut-rs-ipv4-{which}") for which in ("each-tenth", "each"))
    assert tenth is not None
    assert each is not None
    assert watched([tenth, each]) == watched([each])
    (rule,) = watched([each])
    assert (rule.do, rule.kind, rule.leg, rule.every) == ("watch", "data", "dut-rs", 1)
    idle = by_name("g-lost-data-dut-rs-ipv4-after-a-pause")
    assert idle is not None
    assert watched([idle])[0].idle == 1.0


@pytest.mark.parametrize(
    ("outcomes", "fate"),
    [
        ({"S30": Outcome.FAIL}, Fate.KILLED),
        ({"S30": Outcome.PASS, "S33": Outcome.FAIL}, Fate.BY_ANOTHER),
        ({"S30": Outcome.PASS}, Fate.SURVIVED),
    ],
)
def test_what_kills_it_is_the_requirement_meant(outcomes: dict[str, Outcome], fate: Fate) -> None:
    fault = by_name("g-lost-data-dut-rs-ipv4-each")
    assert fault is not None
    rows = [judge(fault, [result(*one) for one in outcomes.items()], 1.0, survived="no frame")]
    assert rows[0].fate is fate
    assert rows[0].reason == ("no frame" if fate is Fate.SURVIVED else "")
    assert not rows[0].false_alarms
    page = render(Matrix("simulated", "2026", 1.0, (), (), tuple(rows), ("S30",), ()))
    assert "<td>lost<td>1" in page
    assert ("Killed by requirement" in page) is (fate is not Fate.SURVIVED)


def test_a_sample_passes_when_nearly_all_are_killed() -> None:
    faults = sample(20, 1)
    rows = [judge(one, [result(one.red[0], Outcome.FAIL)], 1.0) for one in faults]
    left = judge(faults[0], [result(faults[0].red[0], Outcome.PASS)], 1.0)

    def good(*some: object) -> bool:
        return Matrix("x", "2026", 1.0, (), (), some, (), (), share=0.95).good  # type: ignore[arg-type]

    assert good(*rows[1:], left)
    assert not good(*rows[2:], left, left)


def test_what_is_harmless_has_a_reason_and_is_not_drawn() -> None:
    for one in GENERATOR.harmless:
        assert one.because.strip()
        assert set(one.deeds) <= set(GENERATOR.deeds)
        assert set(one.selections) <= set(GENERATOR.selections)
        assert set(one.legs) <= {leg for kind in GENERATOR.kinds.values() for leg in kind.legs}
    assert by_name("g-udp-checksum-udp-client-dut-ipv4-each") is None
    assert by_name("g-udp-checksum-udp-dut-client-ipv4-each") is not None
    assert by_name("g-mac-source-data-dut-client-ipv4-of-client2") is None
    assert by_name("g-mac-source-data-dut-client-ipv4-of-client1") is not None
