"""The outage of numbered requests: the longest row of lost ones, from when each left."""

from __future__ import annotations

from dpvs_acceptance.traffic.outage import outage

LEFT = {number: float(number) for number in range(1, 101)}


def test_nothing_lost_is_no_outage() -> None:
    seen = outage(LEFT, set(LEFT))
    assert (seen.sent, seen.lost, seen.milliseconds, seen.over) == (100, 0, 0.0, True)


def test_the_longest_row_counts_not_the_sum() -> None:
    lost = {5, 20, 21, 22, 23, 50, 51}
    seen = outage(LEFT, set(LEFT) - lost)
    assert (seen.lost, seen.milliseconds) == (7, 4.0)


def test_a_pause_of_the_client_is_no_outage() -> None:
    left = {1: 1.0, 2: 2.0, 3: 900.0, 4: 901.0}
    assert outage(left, set(left)).milliseconds == 0.0


def test_what_does_not_end_is_told() -> None:
    seen = outage(LEFT, set(range(1, 41)))
    assert (seen.milliseconds, seen.over) == (59.0, False)
