"""Hugepages of the model: what is granted, held, surplus, and what is left of each node."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softlab.emulated import memory
from softlab.emulated.spec import read_spec
from softlab.emulated.state import PAGE_SIZES, Hardware, RefusedError, power_on

MB2, GB1 = PAGE_SIZES
RELEASE = "3.10.0-1160.36.2.el7.x86_64"


def machine(**spec: object) -> Hardware:
    return power_on(read_spec(spec), RELEASE)


def free_mb(hardware: Hardware) -> list[int]:
    return [memory.free_kb(hardware, node) // 1024 for node in hardware.nodes]


def test_the_articles_pages_leave_the_articles_free_memory() -> None:
    hardware = machine()
    for node in (0, 1):
        hardware = memory.request(hardware, node, MB2, 28672)
    assert [memory.total(hardware, node, MB2) for node in (0, 1)] == [28672, 28672]
    assert free_mb(hardware) == [4687, 5759]


def test_more_than_a_node_has_gives_fewer_and_says_so_in_the_log() -> None:
    hardware = memory.request(machine(), 0, MB2, 40000)
    granted = memory.total(hardware, 0, MB2)
    assert granted == (64184 - 2153 - memory.KEPT_MB) // 2
    assert free_mb(hardware)[0] >= memory.KEPT_MB
    assert hardware.log[-1] == (
        "HugeTLB: allocating 40000 of page size 2048 kB failed. "
        f"Only allocated {granted} hugepages."
    )
    assert memory.total(hardware, 1, MB2) == 0


def test_pages_of_one_size_take_room_from_the_other() -> None:
    hardware = memory.request(machine(numa_nodes={"0": 8192}), 0, GB1, 4)
    assert memory.total(hardware, 0, GB1) == 4
    hardware = memory.request(hardware, 0, MB2, 1_000_000)
    assert memory.total(hardware, 0, MB2) == (8192 - 2153 - 4096 - memory.KEPT_MB) // 2


def test_a_request_for_all_nodes_is_shared_evenly() -> None:
    hardware = memory.request_anywhere(machine(), MB2, 1001)
    assert [memory.total(hardware, node, MB2) for node in (0, 1)] == [501, 500]
    hardware = memory.request_anywhere(hardware, MB2, 0)
    assert [memory.total(hardware, node, MB2) for node in (0, 1)] == [0, 0]


def test_what_one_node_lacks_comes_from_the_other() -> None:
    hardware = memory.request_anywhere(machine(numa_nodes={"0": 4096, "1": 65536}), MB2, 4000)
    small = (4096 - 2048 - memory.KEPT_MB) // 2  # the system never takes more than half a node
    assert [memory.total(hardware, node, MB2) for node in (0, 1)] == [small, 4000 - small]


def test_held_pages_are_not_given_back_but_become_surplus() -> None:
    hardware = memory.request(machine(), 0, MB2, 1000)
    hardware = memory.reserve(hardware, 7, {0: 600 * 2**20})
    assert memory.free(hardware, 0, MB2) == 700
    hardware = memory.request(hardware, 0, MB2, 100)
    assert memory.total(hardware, 0, MB2) == 300
    assert memory.surplus(hardware, 0, MB2) == 200
    assert memory.free(hardware, 0, MB2) == 0
    hardware = memory.release(hardware, 7)
    assert memory.total(hardware, 0, MB2) == memory.free(hardware, 0, MB2) == 100


def test_a_reservation_beyond_what_is_free_is_refused_in_dpdks_words() -> None:
    hardware = memory.request(machine(), 0, MB2, 100)
    with pytest.raises(RefusedError, match="available: 200MB") as refused:
        memory.reserve(hardware, 1, {0: 201 * 2**20})
    assert refused.value.errno == errno.ENOMEM
    assert "socket 0! Requested: 202MB" in refused.value.text


def test_a_negative_number_of_pages_is_invalid() -> None:
    for ask in (
        lambda: memory.request(machine(), 0, MB2, -1),
        lambda: memory.request_anywhere(machine(), MB2, -1),
    ):
        with pytest.raises(RefusedError) as refused:
            ask()
        assert refused.value.errno == errno.EINVAL


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("request"),
            st.integers(0, 1),
            st.sampled_from(PAGE_SIZES),
            st.integers(0, 50000),
        ),
        st.tuples(
            st.just("anywhere"), st.just(0), st.sampled_from(PAGE_SIZES), st.integers(0, 90000)
        ),
        st.tuples(st.just("reserve"), st.integers(0, 1), st.just(MB2), st.integers(0, 30000)),
        st.tuples(st.just("release"), st.integers(0, 3), st.just(MB2), st.just(0)),
    ),
    max_size=12,
)


@given(STEPS)
def test_no_sequence_overdraws_a_node(steps: list[tuple[str, int, int, int]]) -> None:
    hardware = machine()
    for who, (kind, where, size, count) in enumerate(steps):
        if kind == "request":
            hardware = memory.request(hardware, where, size, count)
        elif kind == "anywhere":
            hardware = memory.request_anywhere(hardware, size, count)
        elif kind == "release":
            hardware = memory.release(hardware, where)
        else:
            try:
                hardware = memory.reserve(hardware, who % 4, {where: count * 2**21})
            except RefusedError:
                assert count > memory.free(hardware, where, size)
        for node in hardware.nodes:
            assert memory.free_kb(hardware, node) >= 0
            for each in PAGE_SIZES:
                total, held = memory.total(hardware, node, each), memory.held(hardware, node, each)
                assert 0 <= held <= total
                assert 0 <= memory.surplus(hardware, node, each) <= held
    for who in range(4):
        hardware = memory.release(hardware, who)
    assert all(memory.surplus(hardware, node, MB2) == 0 for node in hardware.nodes)
