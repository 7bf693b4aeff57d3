"""What an observation cannot carry is said as such, and in the words of a person."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.hosts.errors import DeadlineError
from dpvs_acceptance.hosts.snapshot import SnapshotError
from dpvs_acceptance.traffic.errors import InconclusiveCapture, NotSeen, TrafficError
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.outcomes import _message


@pytest.mark.parametrize(
    "error", [InconclusiveCapture("2 frames dropped"), Inconclusive("no control")]
)
def test_an_unsound_observation_blames_the_check_first(error: Exception) -> None:
    assert _message(error).startswith("inconclusive: ")


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (TrafficError("rs1: no python3"), "rs1: no python3"),
        (NotSeen("client1: nobody answers ARP"), "client1: nobody answers ARP"),
        (SnapshotError("lb01: `dpip addr show`: no answer"), "lb01: `dpip addr show`: no answer"),
        (DeadlineError("lb01", "not done in 5 s"), "lb01: not done in 5 s"),
        (ParseError("dpip addr show", 3, "inet x", "an address"), "dpip addr show, line 3"),
    ],
)
def test_the_library_s_own_sentences_need_no_class_in_front(error: Exception, first: str) -> None:
    assert _message(error).startswith(first)


def test_an_accident_of_the_suite_keeps_its_class() -> None:
    assert _message(KeyError("x")).startswith("KeyError: ")
