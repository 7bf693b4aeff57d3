"""The judgement of spread: against tables, and against played devices, good and bad."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from dpvs_acceptance.traffic import balance
from dpvs_acceptance.traffic.flows import Flows

# Abramowitz and Stegun, table 26.8; and G*Power's standard example (w=0.3, n=88, 1 df: 0.80).
TABLE = [(1, 0.05, 3.84146), (1, 0.001, 10.8276), (5, 0.01, 15.0863), (10, 0.5, 9.34182),
         (30, 0.05, 43.7730), (100, 0.005, 140.169)]  # fmt: skip


@pytest.mark.parametrize(("freedom", "tail", "value"), TABLE)
def test_the_distribution_is_that_of_the_tables(freedom: int, tail: float, value: float) -> None:
    assert balance.chi_square_tail(value, freedom) == pytest.approx(tail, rel=2e-4)
    assert balance.chi_square_limit(tail, freedom) == pytest.approx(value, rel=2e-5)


def test_power_is_that_of_the_text_book() -> None:
    assert balance.power(0.09, 88, 1, 0.05) == pytest.approx(0.80, abs=0.005)
    assert balance.power(0.0, 88, 1, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("workers", [1, 2, 3, 16])
def test_so_many_tries_meet_one_of_the_workers(workers: int) -> None:
    tries = balance.tries_needed(1 / workers)
    missed = 1 - 1 / workers
    assert missed**tries <= balance.MISS < (missed ** (tries - 1) if tries > 1 else 1.0)


def test_as_many_flows_as_needed_and_no_fewer() -> None:
    assert balance.flows_needed([1, 1]) == 195
    few = balance.flows_needed([1, 1], false_alarm=0.01, miss=0.05)
    assert few < 195
    assert balance.flows_needed([1, 1], deviation=0.25) > 3 * 195
    assert balance.flows_needed([1, 3]) > 195
    assert balance.flows_needed([1, 1], deviation=1.9) >= 10  # never below five at each RS
    with pytest.raises(ValueError, match="at least two RS"):
        balance.flows_needed([1])


def verdicts(shares: list[float], flows: int, runs: int, false_alarm: float) -> int:
    """How many of ``runs`` played devices with these true shares are called fair (1:1:..)."""
    dice = random.Random(4)
    names = [f"rs{n}" for n in range(len(shares))]
    weights = dict.fromkeys(names, 1)
    fair = 0
    for _ in range(runs):
        counts = Counter(dice.choices(names, shares, k=flows))
        fair += balance.fit(counts, weights, false_alarm=false_alarm).fair
    return fair


def test_the_stated_error_rates_hold_on_played_devices() -> None:
    flows = balance.flows_needed([1, 1], false_alarm=0.01, miss=0.05)
    good = verdicts([0.5, 0.5], flows, 2000, 0.01)
    assert good > 2000 * 0.98  # 1 % false alarms
    bad = verdicts([0.25, 0.75], flows, 2000, 0.01)
    assert bad < 2000 * 0.07  # 5 % missed


def test_the_words_have_all_numbers() -> None:
    spread = balance.fit({"rs1": 150, "rs2": 50}, {"rs1": 1, "rs2": 1})
    assert not spread.fair
    assert str(spread).startswith(
        "of 200 flows expected rs1 100.0, rs2 100.0; seen rs1 150, rs2 50: chi-square 50.00; "
        "a fair distribution exceeds this with probability 1.5e-12 (limit 0.0001)"
    )
    assert balance.fit({"rs1": 101, "rs2": 99}, {"rs1": 1, "rs2": 1}).fair
    assert balance.fit({"rs1": 66, "rs2": 134}, {"rs1": 1, "rs2": 2}).fair
    stray = balance.fit({"rs1": 100, "rs2": 100, "rs9": 1}, {"rs1": 1, "rs2": 1})
    assert str(stray) == "flows at RS that should get none: rs9 1"
    with pytest.raises(ValueError, match="6 flows are too few, at least 10 are needed"):
        balance.fit({"rs1": 3, "rs2": 3}, {"rs1": 1, "rs2": 1})


def played_round_robin(weights: dict[str, int], workers: int, flows: int) -> Counter[str]:
    """Each worker walks its own list from its own place; RSS throws flows at workers."""
    dice = random.Random(workers * 1000 + flows)
    cycle = [name for name, weight in weights.items() for _ in range(weight)]
    places = [dice.randrange(len(cycle)) for _ in range(workers)]
    counts: Counter[str] = Counter()
    for _ in range(flows):
        worker = dice.randrange(workers)
        counts[cycle[places[worker] % len(cycle)]] += 1
        places[worker] += 1
    return counts


@pytest.mark.parametrize("weights", [{"rs1": 1, "rs2": 1}, {"rs1": 1, "rs2": 3, "rs3": 2}])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_round_robin_of_any_number_of_workers_is_within_its_bound(
    weights: dict[str, int], workers: int
) -> None:
    for flows in range(60):
        counts = played_round_robin(weights, workers, flows)
        assert balance.round_robin(counts, weights, workers).fair, (flows, counts)


def test_round_robin_that_sticks_or_ignores_weights_is_not_fair() -> None:
    even = {"rs1": 1, "rs2": 1}
    assert not balance.round_robin({"rs1": 10}, even, 1).fair
    assert not balance.round_robin({"rs1": 6, "rs2": 4}, even, 1).fair
    assert balance.round_robin({"rs1": 6, "rs2": 5}, even, 1).fair
    assert not balance.round_robin({"rs1": 10, "rs2": 10}, {"rs1": 100, "rs2": 300}, 1).fair
    assert balance.round_robin({"rs1": 5, "rs2": 15}, {"rs1": 100, "rs2": 300}, 1).fair
    assert not balance.round_robin({"rs1": 5, "rs9": 1}, even, 1).fair


def test_no_port_is_given_again_before_all_were_and_tags_tell_flows_apart() -> None:
    flows = Flows(ports=range(20000, 21000))
    handed = [flows.next() for _ in range(1000)]
    assert {flow.port for flow in handed} == set(range(20000, 21000))
    assert len({flow.tag for flow in handed}) == 1000
    assert all(a.tag not in b.tag for a, b in itertools.pairwise(handed))
    assert flows.next().port == handed[0].port
    port_ranges = [flows.port_range() for _ in range(3333)]
    assert len({port for port_range in port_ranges for port in port_range}) == 9999
    assert flows.port_range() == port_ranges[0]


@pytest.mark.parametrize(
    ("new", "fair"),
    [
        ({"rs1": 4}, True),
        ({"rs1": 3, "rs2": 1}, True),
        ({"rs1": 2, "rs2": 2}, False),
        ({"rs2": 4}, False),
    ],
)
def test_least_connections_turned_round_or_taking_turns_is_told(
    new: dict[str, int], fair: bool
) -> None:
    spread = balance.least_loaded(new, "rs1", {"rs1": 16, "rs2": 16})
    assert spread.fair is fair, spread.words
    assert f"of 4 new connections {new.get('rs1', 0)} went to rs1" in spread.words


def test_least_connections_that_are_right_are_seldom_called_wrong() -> None:
    """Each lcore counts for itself, and the NIC throws dice: the error rate that is stated."""
    draw = random.Random(1)
    wrong = 0
    for workers in (2, 4):
        for _ in range(5000):
            open_at = [{"rs1": 0, "rs2": 0} for _ in range(workers)]
            for _ in range(balance.HELD_PER_WORKER * workers // 2):
                open_at[draw.randrange(workers)]["rs2"] += 1
            new: Counter[str] = Counter()
            for _ in range(balance.NEW):
                here = open_at[draw.randrange(workers)]
                chosen = "rs1" if here["rs1"] < here["rs2"] else "rs2"  # a tie goes the wrong way
                here[chosen] += 1
                new[chosen] += 1
            wrong += not balance.least_loaded(new, "rs1", {"rs1": 0, "rs2": 8}).fair
    assert wrong <= 10  # of 10,000: one in 1000
