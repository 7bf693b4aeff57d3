"""Schedulers, source-address pools, neighbours, routes and addresses, each on its own."""

from __future__ import annotations

from collections import Counter

import pytest

from softlab.packet import address, address_text, mac
from softlab.simulated import errors, interfaces, processing
from softlab.simulated.addresses import SCOPE_GLOBAL, SCOPE_LINK, AddressTable, IfAddr
from softlab.simulated.neighbours import NeighbourTable
from softlab.simulated.routes import KNI, LOCAL, NET, Route, Routes4, Routes6
from softlab.simulated.sapool import HIGH, LOW, PortPool, lcore_bits
from softlab.simulated.schedulers import Start
from softlab.simulated.services import Service
from tests.softlab.simulated import devices

# -- schedulers --------------------------------------------------------------------------------


def _service(scheduler: str, weights: list[int], *, spread: bool = True) -> Service:
    service = Service(6, address("10.0.0.100"), 80, scheduler, (1,), spread_start=spread)
    for number, weight in enumerate(weights, 2):
        service.add_dest(address(f"192.168.100.{number}"), 80, weight, 0, 0)
    return service


def _chosen(service: Service, count: int) -> list[int]:
    """The last byte of each chosen server."""
    found = []
    for _ in range(count):
        dest = service.schedulers[1].choose(service.dests)
        assert dest
        found.append(dest.addr[3])
    return found


def test_rr() -> None:
    """Each in turn, whatever the weight; the newest is the list's first, 1.10 starts after it."""
    assert _chosen(_service("rr", [1, 5, 1]), 6) == [3, 2, 4, 3, 2, 4]


def test_rr_of_1_8() -> None:
    """1.8 starts before the list's first."""
    assert _chosen(_service("rr", [1, 5, 1], spread=False), 6) == [4, 3, 2, 4, 3, 2]


def test_rr_starts_elsewhere_on_each_worker() -> None:
    assert [Start(4, index, spread=True).first(8) for index in (1, 2, 3, 4)] == [2, 4, 6, 0]


def test_rr_leaves_out_weight_0() -> None:
    assert set(_chosen(_service("rr", [1, 0, 1]), 6)) == {2, 4}


@pytest.mark.parametrize("spread", [True, False])
def test_wrr(spread: bool) -> None:
    """As often as the weights say, in each round of their sum."""
    service = _service("wrr", [1, 3, 2], spread=spread)
    _chosen(service, 6)
    for _ in range(3):
        assert Counter(_chosen(service, 6)) == {2: 1, 3: 3, 4: 2}


def test_wrr_when_weights_change() -> None:
    service = _service("wrr", [1, 1])
    service.edit_dest(address("192.168.100.3"), 80, 4, 0, 0)
    _chosen(service, 5)
    assert Counter(_chosen(service, 50)) == {2: 10, 3: 40}


def test_wlc() -> None:
    """Where (active * 256 + inactive) / weight is least."""
    service = _service("wlc", [1, 2])
    for _ in range(300):
        dest = service.schedulers[1].choose(service.dests)
        assert dest
        dest.actconns[1] += 1
    assert {dest.addr[3]: dest.actconns[1] for dest in service.dests} == {2: 100, 3: 200}


@pytest.mark.parametrize("scheduler", ["rr", "wrr", "wlc"])
def test_nobody(scheduler: str) -> None:
    for weights in ([], [0, 0]):
        service = _service(scheduler, weights)
        assert service.schedulers[1].choose(service.dests) is None


def test_overloaded_server_is_left_out() -> None:
    service = _service("rr", [1, 1])
    service.edit_dest(address("192.168.100.2"), 80, 1, 2, 0)
    dest = service.dest(address("192.168.100.2"), 80)
    assert dest
    dest.actconns[1] = 2
    assert set(_chosen(service, 4)) == {3}


def test_unknown_scheduler() -> None:
    with pytest.raises(errors.DpvsError) as refused:
        _service("mh", [])
    assert refused.value.code == errors.NOTEXIST


# -- source-address pools ------------------------------------------------------------------------


def test_pool_of_one_worker() -> None:
    """As recorded: 1025 first, and 64511 ports towards each of 16 groups of servers."""
    pool = PortPool(0, 0)
    assert (pool.used, pool.free) == (0, 1032176)
    server = address("192.168.100.2")
    assert [pool.take(server, 80) for _ in range(3)] == [1025, 1026, 1027]
    assert pool.take(address("192.168.100.3"), 80) == 1025
    assert (pool.used, pool.free) == (4, 1032172)


def test_pool_used_up() -> None:
    pool = PortPool(0, 0)
    server = address("192.168.100.2")
    taken = [pool.take(server, 80) for _ in range(LOW, HIGH + 1)]
    assert taken == list(range(LOW, HIGH + 1))
    assert pool.take(server, 80) is None
    assert pool.miss == 1
    pool.release(server, 80, 3000)
    assert pool.take(server, 80) == 3000


def test_returned_ports_come_last() -> None:
    pool = PortPool(0, 0)
    server = address("192.168.100.2")
    first = pool.take(server, 80)
    assert first == 1025
    pool.release(server, 80, first)
    assert pool.take(server, 80) == 1026


def test_pools_of_several_workers() -> None:
    """Each worker has the ports whose low bits are its own."""
    bits = lcore_bits(3)
    assert bits == 2
    server = address("192.168.100.2")
    firsts = [PortPool(base, bits).take(server, 80) for base in range(3)]
    assert [port & 3 for port in firsts if port] == [0, 1, 2]
    assert sum(PortPool(base, 1).free for base in range(2)) == 1032176


# -- neighbours ----------------------------------------------------------------------------------

_PEER, _MAC = address("10.0.0.48"), mac("02:00:00:00:01:48")


def _states(table: NeighbourTable) -> list[str]:
    return [entry.state for entry in table.all()]


def test_neighbour_is_asked_for() -> None:
    """Packets wait for the answer and then go."""
    table = NeighbourTable()
    assert table.output(0, _PEER, b"one", 0) == (b"", True)
    assert table.output(0, _PEER, b"two", 0) == (b"", False)
    assert _states(table) == ["SEND"]
    assert table.learn(0, _PEER, _MAC, 1) == [b"one", b"two"]
    assert table.output(0, _PEER, b"three", 1) == (_MAC, False)
    assert _states(table) == ["REACHABLE"]


def test_neighbour_grows_old() -> None:
    """REACHABLE for the configured time, PROBE, DELAY when used again, then gone."""
    table = NeighbourTable(reachable=60)
    table.learn(0, _PEER, _MAC, 0)
    table.expire(61)
    assert _states(table) == ["PROBE"]
    assert table.output(0, _PEER, b"", 62) == (_MAC, True)
    assert _states(table) == ["DELAY"]
    table.confirm(0, _PEER, 63)
    assert _states(table) == ["REACHABLE"]
    table.expire(124)
    table.expire(155)
    assert _states(table) == ["NONE"]
    table.expire(158)
    assert _states(table) == []


def test_neighbour_that_never_answers() -> None:
    table = NeighbourTable()
    table.output(0, _PEER, b"one", 0)
    table.expire(4)
    assert _states(table) == ["NONE"]
    assert table.output(0, _PEER, b"two", 4.5) == (b"", True), "it is asked for again"


def test_neighbour_queue_is_limited() -> None:
    table = NeighbourTable(queue_length=2)
    for _ in range(10):
        table.output(0, _PEER, b"x", 0)
    assert len(table.learn(0, _PEER, _MAC, 1)) == 3


def test_static_neighbour() -> None:
    table = NeighbourTable()
    table.add_static(0, _PEER, _MAC)
    table.expire(10000)
    assert [(entry.state, entry.static) for entry in table.all()] == [("REACHABLE", True)]
    assert table.remove(0, _PEER)
    assert not table.remove(0, _PEER)


# -- routes --------------------------------------------------------------------------------------


def _routes(*texts: str) -> Routes4:
    table = Routes4()
    for text in texts:
        net, _, plen = text.partition("/")
        table.add(Route(NET, address(net), int(plen), 0))
    return table


def test_longest_prefix_wins() -> None:
    table = _routes("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24")
    found = [table.lookup_out(address(a)) for a in ("10.0.0.1", "10.0.9.1", "10.9.9.1", "9.9.9.9")]
    assert [route.plen for route in found if route] == [24, 16, 8, 0]


def test_local_routes_count_on_their_port_only() -> None:
    table = _routes("10.0.0.0/8")
    table.add(Route(LOCAL, address("10.0.0.1"), 32, 1))
    table.add(Route(KNI, address("10.0.0.2"), 32, 1))

    def kind(text: str, port: int) -> str:
        route = table.lookup_in(address(text), port)
        assert route
        return route.kind

    assert kind("10.0.0.1", 1) == LOCAL
    assert kind("10.0.0.1", 0) == NET
    assert kind("10.0.0.2", 1) == KNI


@pytest.mark.parametrize("plen", [33, 40])
def test_prefix_longer_than_an_address(plen: int) -> None:
    """The real device takes it, and it is of no use there either."""
    table = _routes(f"10.0.0.0/{plen}")
    assert [route.plen for route in table.all()] == [plen]
    assert table.lookup_out(address("10.0.0.1")) is None


def test_routes_of_a_port_go_together() -> None:
    table = _routes("10.0.0.0/8")
    table.add(Route(NET, address("11.0.0.0"), 8, 1))
    table.flush(0)
    assert [address_text(route.dst) for route in table.all()] == ["11.0.0.0"]


def test_ipv6_routes() -> None:
    table = Routes6()
    table.add(Route(NET, address("2001:db8::"), 32, 0))
    table.add(Route(NET, address("2001:db8:1::"), 48, 1))
    near, far = table.lookup(address("2001:db8:1::1")), table.lookup(address("2001:db8:2::1"))
    assert near
    assert far
    assert (near.port, far.port) == (1, 0)
    assert table.lookup(address("2001:db9::1")) is None
    with pytest.raises(errors.DpvsError):
        table.remove(address("2001:db9::"), 32, 0)


# -- addresses -----------------------------------------------------------------------------------


def _source(dst: str, *held: tuple[str, int, str]) -> str:
    table = AddressTable((1,), 16)
    for text, plen, scope in held:
        table.add(IfAddr(0, address(text), plen, scope, b"", 0, sapool=False, born=0))
    return address_text(table.source_for(0, address(dst)))


def test_source_address() -> None:
    held = (("10.0.0.1", 24, SCOPE_GLOBAL), ("10.1.0.1", 24, SCOPE_GLOBAL))
    assert _source("10.0.0.9", *held) == "10.0.0.1"
    assert _source("10.1.0.9", *held) == "10.1.0.1"


def test_source_address_of_ipv6() -> None:
    """The one that has most in common with the destination, of the scope that fits."""
    held = (
        ("2001:db8:1::100", 128, SCOPE_GLOBAL),
        ("2001:db8:1::64", 128, SCOPE_GLOBAL),
        ("fe80::1", 64, SCOPE_LINK),
    )
    assert _source("2001:db8:1::48", *held) == "2001:db8:1::64"
    assert _source("2001:db8:1::180", *held) == "2001:db8:1::100"
    assert _source("fe80::9", *held) == "fe80::1"


def test_an_address_brings_its_routes_and_takes_them_away() -> None:
    path = devices.recorded()
    before = len(path.routes4.all())
    devices.add_address(path, devices.WAN, "10.9.0.1/24")
    added = path.routes4.all()
    assert len(added) == before + 2
    interfaces.remove_address(path, devices.WAN, address("10.9.0.1"), 24)
    assert len(path.routes4.all()) == before


def test_an_address_is_there_once() -> None:
    path = devices.recorded()
    with pytest.raises(errors.DpvsError) as refused:
        devices.add_address(path, devices.WAN, "10.0.0.100/32")
    assert refused.value.code == errors.EXIST


def test_a_lifetime_ends() -> None:
    path = devices.recorded()
    entry = IfAddr(
        devices.WAN, address("10.0.0.7"), 32, SCOPE_GLOBAL, b"", 5, sapool=False, born=10.0
    )
    interfaces.add_address(path, entry)
    processing.tick(path, 14.0)
    assert path.addresses.is_local(devices.WAN, address("10.0.0.7"))
    processing.tick(path, 15.5)
    assert not path.addresses.is_local(devices.WAN, address("10.0.0.7"))
