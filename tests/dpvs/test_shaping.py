"""`dpip qsch`, `cls` and `ipv6` as DPVS 1.10.2 prints them."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import (
    Classifier,
    QueueSchedule,
    parse_classifiers,
    parse_ipv6_stats,
    parse_schedules,
)
from dpvs_acceptance.dpvs.dpip.ipv6 import TOTAL
from dpvs_acceptance.dpvs.errors import ParseError

TBF = (
    "qsch tbf root dev dpdk1 parent 0: flags 0x0 cls 0 rate 10.00Mbps burst 10000B limit 125000B\n"
)
COUNTED = " Sent 0 bytes 0 pkts (dropped 0, overlimits 0 requeues 0)\n Backlog 0 bytes 0 pkts\n"
FIFO = "qsch pfifo ingress dev dpdk1 parent 0: flags 0x1 cls 0 limit 64\n"
CLS = (
    "cls match 1:10 dev dpdk1 qsch root pkttype 0x0800 prio 0 "
    "TCP,from=192.0.2.1-192.0.2.1:0-0 target drop\n"
)


def test_schedules() -> None:
    tbf = QueueSchedule("tbf", "root", "dpdk1", 0, "rate 10.00Mbps burst 10000B limit 125000B")
    assert parse_schedules("") == ()
    assert parse_schedules(TBF) == (tbf,)
    assert parse_schedules(TBF + COUNTED) == (tbf,)
    assert parse_schedules(f"[00] {TBF}[01] {TBF}") == (tbf, tbf)
    fifo = QueueSchedule("pfifo", "ingress", "dpdk1", 0, "limit 64")
    assert parse_schedules(TBF + FIFO) == (tbf, fifo)


def test_classifiers() -> None:
    pattern = "TCP,from=192.0.2.1-192.0.2.1:0-0"
    assert parse_classifiers(CLS) == (
        Classifier("match", "1:10", "dpdk1", "root", pattern, "drop"),
    )
    assert parse_classifiers("") == ()


def test_ipv6_counters() -> None:
    one = "InReceives:        14\nInOctets:          984\n"
    assert parse_ipv6_stats(one) == {TOTAL: {"InReceives": 14, "InOctets": 984}}
    indented = "".join(f"    {line}\n" for line in one.splitlines())
    several = parse_ipv6_stats(f"All\n{indented}cpu 1\n{indented}")
    assert [*several] == ["All", "cpu 1"]
    assert several["cpu 1"]["InReceives"] == 14


@pytest.mark.parametrize("text", ["qsch tbf", TBF + COUNTED.splitlines()[0], "-nan", CLS])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ParseError):
        parse_schedules(text)


@pytest.mark.parametrize("text", ["cls match", TBF])
def test_what_is_no_classifier(text: str) -> None:
    with pytest.raises(ParseError):
        parse_classifiers(text)


@pytest.mark.parametrize("text", ["cpu 1\n", "InReceives: -1\n", "cpu 1\nInReceives 5\n"])
def test_what_is_no_counter(text: str) -> None:
    with pytest.raises(ParseError):
        parse_ipv6_stats(text)
