"""Parsers of what hosts say, fed with mutated answers: a model, or an error in words for people.

Each input may take a second of the processor. How many inputs: the profile (`make fuzz`).
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpvs_acceptance.bringup.runner import BringUp
from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.hosts import batch_format, compare, iproute, lock, survey
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.facts import FactError
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError, take
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.machine import ServerState
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import Frame, read_pcap
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.traffic.views import TcpView, UdpView
from tests.dpvs.catalogue import Read
from tests.dpvs.test_mutations import PARTED, STRICT, check_error, meaning, texts
from tests.mutations import mutated, mutated_bytes
from tests.safety.benched import Benched

SECONDS = 1.0
FILES = sorted((Path(__file__).parents[1] / "traffic/pcap").glob("*.pcap"))
FRAMES = [frame.data for path in FILES for frame in read_pcap(path)]
# What older releases of iproute2 print, without -j.
IP_LINES: Mapping[str, tuple[Callable[[str], object], str]] = {
    "addresses": (
        iproute.addresses,
        "2: eth2    inet 192.168.229.28/24 brd 192.168.229.255 scope global eth2\\       valid_lft "
        "forever preferred_lft forever\n3: eth4@if7    inet6 fe80::1/64 scope link \\ \n",
    ),
    "links": (
        iproute.links,
        "2: eth2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP mode "
        "DEFAULT group default qlen 1000\\    link/ether aa:bb:cc:23:33:33 brd ff:ff:ff:ff:ff:ff\n",
    ),
    "routes": (
        partial(iproute.routes, version=4),
        "default via 10.0.96.254 dev eth4 proto static metric 100 \n"
        "unreachable 10.9.0.0/16 metric 7\n10.0.96.0/24 dev eth4 proto kernel scope link src "
        "10.0.96.28 \n",
    ),
    "neighbours": (
        iproute.neighbours,
        "10.0.96.254 dev eth4 lladdr aa:bb:cc:23:33:99 REACHABLE\nfe80::1 dev eth4  router "
        "FAILED\n",
    ),
}
MARK = "0123456789abcdef" * 2


@contextmanager
def in_time() -> Iterator[None]:
    begin = time.process_time()
    yield
    taken = time.process_time() - begin
    assert taken < SECONDS, f"{taken:.1f} s of the processor"


def ask(question: Callable[[], object]) -> None:
    """An error in words for people is an answer."""
    try:
        question()
    except (FactError, ParseError, SnapshotError) as error:
        told(error)


def told(error: Exception, words: str = "") -> None:
    assert str(error).strip(), "an error without words"
    assert words in str(error)


@pytest.mark.parametrize(
    "entry", [one for one in STRICT if one.names[0] not in PARTED], ids=lambda one: one.names[0]
)
@given(data=st.data())
def test_tools_of_dpvs(entry: Read, data: st.DataObject) -> None:
    text = data.draw(mutated(data.draw(st.sampled_from(texts(entry)))))
    with in_time():
        try:
            model = entry.parser(text)
        except ParseError as error:
            check_error(error, text)
            return
    if entry.render is not None:
        # Where a word fills its column, nothing stands between it and the next.
        written, said = meaning(entry.render(model)), meaning(text)
        assert ["".join(line) for line in written] == ["".join(line) for line in said]


@pytest.fixture(scope="module")
def seen(bench: Benched) -> Iterator[dict[str, Snapshot]]:
    """The DUT with DPVS up, and a real server, as they answer in a lab."""
    gates = {
        role: WriteGate(host, WriteMode.WRITABLE, run="fuzz") for role, host in bench.hosts.items()
    }
    bring_up = BringUp(gates)
    held = lock.acquire_all(bench.hosts, "fuzzing")
    try:
        bring_up.carry_out(bench.plan)
        yield {
            "dut": bench.snapshot("dut"),
            "rs1": take(bench.hosts["rs1"], survey.real_server()),
        }
    finally:
        bring_up.undo()
        lock.release_all(held.values())


@pytest.mark.parametrize(("role", "state"), [("dut", DutState), ("rs1", ServerState)])
@given(data=st.data())
def test_readings_of_hosts(
    seen: dict[str, Snapshot], role: str, state: type, data: st.DataObject
) -> None:
    snapshot = seen[role]
    said = [name for name, section in snapshot.sections.items() if section.stdout]
    name = data.draw(st.sampled_from(said))
    changed = with_answer(snapshot, name, data.draw(mutated(snapshot.sections[name].stdout)))
    for attribute, value in inspect.getmembers(state):
        if not attribute.startswith("_") and not inspect.isfunction(value):
            with in_time():
                ask(lambda attribute=attribute: getattr(state(changed), attribute))  # type: ignore[misc]


@given(data=st.data())
def test_readings_that_are_compared(seen: dict[str, Snapshot], data: st.DataObject) -> None:
    first = seen["dut"]
    names = [
        one for one in sorted(compare.SECTIONS & set(first.sections)) if first.sections[one].ok
    ]
    name = data.draw(st.sampled_from(names))
    last = with_answer(first, name, data.draw(mutated(first.sections[name].stdout)))
    with in_time():
        ask(lambda: compare.differences(first, last))


def with_answer(snapshot: Snapshot, name: str, text: str) -> Snapshot:
    section = replace(snapshot.sections[name], stdout=text)
    return replace(snapshot, sections={**snapshot.sections, name: section})


@pytest.mark.parametrize("kind", IP_LINES)
@given(data=st.data())
def test_lines_of_ip(kind: str, data: st.DataObject) -> None:
    parser, text = IP_LINES[kind]
    said = data.draw(mutated(text))
    with in_time():
        ask(lambda: parser(said))


@given(data=st.data())
def test_frames(data: st.DataObject) -> None:
    octets = data.draw(mutated_bytes(data.draw(st.sampled_from(FRAMES))))
    with in_time():
        view = dissect(Frame(octets, length=len(octets)))
        if isinstance(view, TcpView):
            view.toa()
        if isinstance(view, UdpView):
            str(view)
    assert view.frame.data == octets


@given(data=st.data())
def test_capture_files(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    octets = data.draw(mutated_bytes(data.draw(st.sampled_from(FILES)).read_bytes()))
    path = tmp_path_factory.getbasetemp() / "mutated.pcap"
    path.write_bytes(octets)
    with in_time():
        try:
            kept = read_pcap(path)
        except ValueError as error:
            told(error, str(path))
            return
    assert sum(len(frame.data) for frame in kept) <= len(octets)


@given(data=st.data())
def test_answers_of_a_batch(data: st.DataObject) -> None:
    mark = MARK.encode()
    stream = b"".join(
        b"\n%s + %d\nline one\nline two\n\n%s - %d 0 10.00 10.25\n" % (mark, number, mark, number)
        for number in range(4)
    )
    octets = data.draw(mutated_bytes(stream))
    with in_time():
        try:
            assert len(batch_format.parse("lb01", MARK, octets, b"")) <= octets.count(mark)
        except HostError as error:
            told(error)


@given(data=st.data())
def test_pages_of_real_servers(data: st.DataObject) -> None:
    address = data.draw(st.sampled_from(("10.0.96.101", "2001:db8::1")))
    text = data.draw(mutated(f"Your IP and port is {address}:40001\n"))
    with in_time():
        try:
            client_seen(text)
        except AssertionError as error:
            told(error, "expected 'Your IP and port is")
