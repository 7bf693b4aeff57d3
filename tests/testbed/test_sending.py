"""What a run sends is counted, and bounded with --gentle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.testbed.sending import (
    BORROWED,
    CONNECTIONS,
    CRAFTED,
    DATAGRAMS,
    GENTLE,
    GENTLE_AT_ONCE,
    Sending,
)
from dpvs_acceptance.testbed.sources import Sources
from dpvs_acceptance.verdict.causes import NotTested

ROOT = Path(__file__).parents[2]


def sources(sending: Sending) -> Sources:
    bench = load_bench(ROOT / "benches/lb01.example.yaml")
    return Sources(deploy(load_topology(ROOT / "topologies/fnat-two-arm.yaml"), bench), sending)


def test_without_bounds_all_is_counted_and_nothing_refused() -> None:
    sending = Sending()
    ports = sources(sending)
    ports.port_ranges("client1", 3)
    ports.many("client1", 10_000)
    sending.take(CRAFTED, 7)
    ports.spoofed()
    ports.spoofed()
    assert sending.to_json() == {
        "sent": {
            "connections": 10_003,
            "datagrams": 0,
            "echoes": 0,
            "crafted packets": 7,
            "borrowed addresses": 1,
        },
        "at most": {},
    }


def test_a_connection_over_the_bound_is_refused_and_not_counted() -> None:
    sending = Sending(GENTLE)
    ports = sources(sending)
    for _ in range(GENTLE[CONNECTIONS] - 1):
        ports.many("client1", 1)
    refused = r"--gentle: at most 200 connections in a run: 199 so far, 2 more needed"
    with pytest.raises(NotTested, match=refused):
        ports.port_ranges("client1", 2)
    ports.port_ranges("client1", 1)
    with pytest.raises(NotTested, match="200 so far, 1 more"):
        ports.port_ranges("client1", 1)
    assert sending.to_json()["sent"][CONNECTIONS] == GENTLE[CONNECTIONS]


def test_many_connections_in_one_go_are_refused() -> None:
    ports = sources(Sending(GENTLE))
    with pytest.raises(NotTested, match="--gentle: at most 20 connections in one go, 21 needed"):
        ports.port_ranges("client1", GENTLE_AT_ONCE + 1)
    ports.port_ranges("client1", GENTLE_AT_ONCE)


def test_a_gentle_run_has_no_address_to_borrow() -> None:
    with pytest.raises(NotTested, match=r"^--gentle: no borrowed addresses$"):
        sources(Sending(GENTLE)).spoofed()


def test_to_require_is_not_to_send() -> None:
    sending = Sending(GENTLE)
    sending.require(DATAGRAMS, GENTLE[DATAGRAMS])
    sending.take(DATAGRAMS, GENTLE[DATAGRAMS])
    with pytest.raises(NotTested):
        sending.require(DATAGRAMS)
    sending.borrow([])  # nothing is no address
    assert sending.to_json()["sent"][BORROWED] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--gentle",), "--gentle: goes with --attach"),
        (("--gentle", "--attach", "-n2"), "--gentle: not with -n"),
    ],
)
def test_where_gentle_means_nothing_it_is_refused(options: tuple[str, ...], words: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert ran.stderr.strip().splitlines()[-1].startswith(f"ERROR: {words}"), ran.stderr
