"""What is fed, with what, and what may come of it: a model of what the input says, or an error."""

from __future__ import annotations

import inspect
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.mutations import mutated, mutated_bytes
from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.hosts import batch_format, compare, iproute
from dpvs_acceptance.hosts.batch import Section
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.facts import FactError
from dpvs_acceptance.hosts.snapshot import Snapshot, SnapshotError
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.machine import ServerState
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import Frame, read_pcap
from dpvs_acceptance.traffic.http import client_seen
from dpvs_acceptance.traffic.views import TcpView, UdpView
from tests.dpvs.catalogue import Read
from tests.dpvs.test_mutations import NAMES, STRICT, check_error, meaning, texts

PCAPS = Path(__file__).parents[2] / "tests/traffic/pcap"
# These the catalogue cuts into parts before it parses them.
_PARTED = ("*/ka-stopped-state.txt", "*/flags-save-restore.txt", "v1.9.10/dpip-V.txt")


@dataclass(frozen=True, slots=True)
class Target:
    """`make` an input, `feed` it. `feed` raises for a finding, and nothing for a told error."""

    name: str
    make: Callable[[random.Random], Any]
    feed: Callable[[Any], object]


def recorded() -> Iterator[Target]:
    """DPVS's own tools: nothing passed over, errors that quote the line they mean."""
    assert NAMES, "there are no recordings"
    for entry in STRICT:
        if entry.names[0] not in _PARTED:
            yield Target(entry.names[0], partial(mutated, seeds=texts(entry)), _reads(entry))


def _reads(entry: Read) -> Callable[[str], None]:
    def feed(text: str) -> None:
        try:
            model = entry.parser(text)
        except ParseError as error:
            check_error(error, text)
            return
        if entry.render is not None:
            written, said = meaning(entry.render(model)), meaning(text)
            # Where a word fills its column, nothing stands between it and the next.
            _check(_joined(written) == _joined(said), f"passed over: {_difference(written, said)}")

    return feed


def _joined(lines: list[list[str]]) -> list[str]:
    return ["".join(words) for words in lines]


def _check(holds: bool, words: str) -> None:
    if not holds:
        raise AssertionError(words)


def _difference(written: list[list[str]], said: list[list[str]]) -> str:
    for one, other in zip(written, said, strict=False):
        if one != other:
            return f"{' '.join(other)[:120]!r} was read as {' '.join(one)[:120]!r}"
    return f"{len(said)} lines said, {len(written)} read"


def sections(snapshots: Mapping[str, Snapshot]) -> Iterator[Target]:
    """What the survey reads of hosts: `dut` and `rs1` as they were seen on a real bench."""
    states: tuple[tuple[str, Callable[[Snapshot], Any]], ...] = (
        ("dut", DutState),
        ("rs1", ServerState),
    )
    for role, state in states:
        for name, attributes in _asked(snapshots[role], state).items():
            seed = snapshots[role].sections[name]
            if seed.stdout:
                feed = partial(_look, snapshots[role], state, name, attributes)
                make = partial(mutated, seeds=[seed.stdout])
                yield Target(f"{role}: {name}", make, feed)


def _asked(snapshot: Snapshot, state: Callable[[Snapshot], Any]) -> dict[str, list[str]]:
    """For each section the properties of the state that read it."""
    found: dict[str, list[str]] = {}
    for attribute, value in inspect.getmembers(state):
        if attribute.startswith("_") or inspect.isfunction(value) or attribute == "snapshot":
            continue
        noted = _Noted(snapshot)
        _told(lambda noted=noted, attribute=attribute: getattr(state(noted), attribute))  # type: ignore[misc]
        for name in noted.asked:
            found.setdefault(name, []).append(attribute)
    return found


def compared(snapshots: Mapping[str, Snapshot]) -> Iterator[Target]:
    """What is compared at the end of a run, where a host then says something odd."""
    first = snapshots["dut"]
    for name in sorted(compare.SECTIONS & set(first.sections)):
        if first.sections[name].ok:
            make = partial(mutated, seeds=[first.sections[name].stdout])
            yield Target(f"compared: {name}", make, partial(_compare, first, name))


def _compare(first: Snapshot, name: str, text: str) -> None:
    changed = {**first.sections, name: replace(first.sections[name], stdout=text)}
    _told(lambda: compare.differences(first, replace(first, sections=changed)))


# What older releases of iproute2 print, without -j.
_LINES: Mapping[Callable[[str], object], str] = {
    iproute.addresses: (
        "2: eth2    inet 192.168.229.28/24 brd 192.168.229.255 scope global eth2\\       valid_lft "
        "forever preferred_lft forever\n3: eth4@if7    inet6 fe80::1/64 scope link \\ \n"
    ),
    iproute.links: (
        "2: eth2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP mode "
        "DEFAULT group default qlen 1000\\    link/ether aa:bb:cc:23:33:33 brd ff:ff:ff:ff:ff:ff\n"
    ),
    partial(iproute.routes, version=4): (
        "default via 10.0.96.254 dev eth4 proto static metric 100 \n"
        "unreachable 10.9.0.0/16 metric 7\n10.0.96.0/24 dev eth4 proto kernel scope link src "
        "10.0.96.28 \n"
    ),
    iproute.neighbours: (
        "10.0.96.254 dev eth4 lladdr aa:bb:cc:23:33:99 REACHABLE\nfe80::1 dev eth4  router FAILED\n"
    ),
}


def lines_of_ip() -> Iterator[Target]:
    for number, (parser, text) in enumerate(_LINES.items()):

        def feed(said: str, parser: Callable[[str], object] = parser) -> None:
            _told(lambda: parser(said))

        yield Target(f"lines of ip, {number + 1}", partial(mutated, seeds=[text]), feed)


class _Noted(Snapshot):
    """A snapshot that knows what it was asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot.host, snapshot.taken_at, snapshot.sections)
        object.__setattr__(self, "asked", set[str]())

    asked: set[str]

    def get(self, name: str) -> Section:
        self.asked.add(name)
        return super().get(name)


def _look(
    snapshot: Snapshot,
    state: Callable[[Snapshot], Any],
    name: str,
    attributes: Sequence[str],
    text: str,
) -> None:
    changed = {**snapshot.sections, name: replace(snapshot.sections[name], stdout=text)}
    seen = state(replace(snapshot, sections=changed))
    for attribute in attributes:
        _told(lambda attribute=attribute: getattr(seen, attribute))  # type: ignore[misc]


def _told(ask: Callable[[], object]) -> None:
    """An error in words for people is an answer."""
    try:
        ask()
    except (FactError, ParseError, SnapshotError) as error:
        _check(bool(str(error).strip()), "an error without words")


def packets() -> Iterator[Target]:
    """Captured frames, and the files they are kept in."""
    files = sorted(PCAPS.glob("*.pcap"))
    kept = [frame.data for path in files for frame in read_pcap(path)]
    yield Target("frames", partial(mutated_bytes, seeds=kept), _dissects)
    whole = [path.read_bytes() for path in files]
    yield Target("pcap files", partial(mutated_bytes, seeds=whole), _reads_file)


def _dissects(data: bytes) -> None:
    view = dissect(Frame(data, length=len(data)))
    assert view.frame.data == data
    if isinstance(view, TcpView):
        view.toa()
    if isinstance(view, UdpView):
        str(view)


def _reads_file(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(data)
        file.flush()
        try:
            frames_read = read_pcap(Path(file.name))
        except ValueError as error:
            _check(file.name in str(error), f"which file is not said: {error}")
            return
        assert sum(len(frame.data) for frame in frames_read) <= len(data)


MARK = "0123456789abcdef" * 2


def answers() -> Iterator[Target]:
    """A batch's answer as a host sends it, and what a real server's page says."""
    stream = b"".join(
        b"\n%s + %d\nline one\nline two\n\n%s - %d 0 10.00 10.25\n"
        % (MARK.encode(), number, MARK.encode(), number)
        for number in range(4)
    )
    yield Target("a batch's frames", partial(mutated_bytes, seeds=[stream]), _framed)
    pages = ["Your IP and port is 10.0.96.101:40001\n", "Your IP and port is 2001:db8::1:40001\n"]
    yield Target("an RS's page", partial(mutated, seeds=pages), _page)


def _framed(stream: bytes) -> None:
    try:
        found = batch_format.parse("lb01", MARK, stream, b"")
    except HostError as error:
        _check(bool(str(error).strip()), "an error without words")
        return
    assert len(found) <= stream.count(MARK.encode())


def _page(text: str) -> None:
    try:
        client_seen(text)
    except AssertionError as error:
        _check("expected 'Your IP and port is" in str(error), str(error))
