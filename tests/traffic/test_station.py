"""Stations in real namespaces: complete captures, early returns, nothing left behind."""

from __future__ import annotations

import ast
import subprocess
import time
from pathlib import Path

import pytest

from dpvs_acceptance.traffic.agent import bundle
from dpvs_acceptance.traffic.capture import assert_absent
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.errors import InconclusiveCapture, NotSeen, TrafficError
from dpvs_acceptance.traffic.frame import read_pcap
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.views import UdpView

from .conftest import Wire

EXPERIMENT = 0x88B5  # the EtherType for local experiments: no kernel answers it


def raw_frames(left: Station, right: Station, count: int, size: int = 60) -> list[bytes]:
    head = bytes.fromhex((right.mac + left.mac).replace(":", "")) + EXPERIMENT.to_bytes(2, "big")
    return [(head + number.to_bytes(4, "big")).ljust(size, b"x") for number in range(count)]


def numbers(frames: list[bytes]) -> list[int]:
    return [int.from_bytes(data[14:18], "big") for data in frames]


def test_facts_are_those_of_the_interface(left: Station) -> None:
    assert left.facts.mac == "02:00:00:77:00:01"
    assert left.facts.mtu == 1500
    assert left.facts.up
    assert not left.facts.promiscuous
    assert left.facts.address(4) == "10.77.0.1"
    assert left.facts.address(6) == "fd77::1"
    assert left.facts.offloads["gro"] is False
    assert left.facts.offloads["tx-checksum"] is False


def test_every_one_of_5000_frames_is_captured_on_both_sides(left: Station, right: Station) -> None:
    only = [Match(ethertype=EXPERIMENT)]
    frames = raw_frames(left, right, 5000)
    with left.capture(only) as near, right.capture(only) as far:
        sent = left.send(frames)
        assert sent.count == 5000
        assert far.wait_for(Match(ethertype=EXPERIMENT), 5000, 5.0).enough
    for capture, outgoing in ((near, True), (far, False)):
        assert (capture.dropped, capture.overflow) == (0, 0)
        assert capture.sound
        assert numbers([f.data for f in capture.frames]) == list(range(5000))
        assert {f.outgoing for f in capture.frames} == {outgoing}
        assert [f.time_ns for f in capture.frames] == sorted(f.time_ns for f in capture.frames)
    assert abs(far.frames[0].seconds - time.time()) < 10


def test_a_capture_that_lost_frames_is_not_sound(left: Station, right: Station) -> None:
    """A receive buffer of a few frames, never emptied in between: the kernel says it dropped."""
    with right.capture(buffer_bytes=4096) as far:
        left.send(raw_frames(left, right, 2000, 1500))
    assert far.dropped > 0
    assert not far.sound
    with pytest.raises(InconclusiveCapture, match=rf"{far.dropped} dropped by the kernel"):
        far.select(Match(ethertype=EXPERIMENT))


def test_a_capture_beyond_its_bounds_is_not_sound(left: Station, right: Station) -> None:
    with right.capture([Match(ethertype=EXPERIMENT)], max_frames=10) as far:
        left.send(raw_frames(left, right, 25))
        far.wait_for(Match(ethertype=EXPERIMENT), 10)
    assert len(far.frames) == 10
    assert far.overflow == 15
    with pytest.raises(InconclusiveCapture, match="15 beyond its bounds"):
        far.require_sound()


def test_a_link_that_goes_down_ends_no_agent(left: Station, right: Station, wire: Wire) -> None:
    """The kernel says so once to each packet socket, and the frames before it are still there."""
    with right.proxy_arp("10.77.0.9"), right.capture([Match(ethertype=EXPERIMENT)]) as far:
        left.send(raw_frames(left, right, 3))
        wire.right.ok(
            "ip link set eth1 down; ip link set eth1 up; ip addr add fd77::2/64 dev eth1 nodad"
        )
        assert left.resolve("10.77.0.9") == (right.mac,)
        left.send(raw_frames(left, right, 2))
        assert far.wait_for(Match(ethertype=EXPERIMENT), 5, 5.0).enough
    assert far.sound
    assert numbers([frame.data for frame in far.frames]) == [0, 1, 2, 0, 1]


def test_wait_returns_as_soon_as_the_frames_are_there(left: Station, right: Station) -> None:
    with right.capture() as far:
        left.send(raw_frames(left, right, 3))
        before = time.monotonic()
        waited = far.wait_for(Match(ethertype=EXPERIMENT), 3, deadline=30.0)
        assert time.monotonic() - before < 2.0
        assert waited.enough
        assert len(waited.frames) == 3

        before = time.monotonic()
        waited = far.wait_for(Match(ethertype=EXPERIMENT), 4, deadline=0.2)
        assert 0.2 <= time.monotonic() - before < 2.0
        assert not waited.enough
        assert len(waited.frames) == 3
        with pytest.raises(NotSeen, match=r"expected 4 frame\(s\) with ethertype=34997.*saw 3"):
            far.expect(Match(ethertype=EXPERIMENT), 4, deadline=0.05)


def test_waiting_for_the_next_frames_does_not_count_old_ones(left: Station, right: Station) -> None:
    one = raw_frames(left, right, 1)
    with left.capture() as near:
        for _ in range(3):
            waited = left.exchange(near, one, Match(ethertype=EXPERIMENT), deadline=5.0)
            assert len(waited.frames) == 1


def test_the_gap_between_frames_is_kept(left: Station, right: Station) -> None:
    with right.capture([Match(ethertype=EXPERIMENT)]) as far:
        left.send(raw_frames(left, right, 20), gap_us=2000)
        assert far.wait_for(Match(ethertype=EXPERIMENT), 20).enough
    times = [frame.time_ns for frame in far.frames]
    assert times[-1] - times[0] >= 19 * 2_000_000 * 0.98


def test_a_vlan_tag_is_in_the_captured_bytes(left: Station, right: Station) -> None:
    (plain,) = raw_frames(left, right, 1)
    tagged = plain[:12] + bytes.fromhex("8100a064") + plain[12:]
    with right.capture() as far:
        left.send([tagged])
        (frame,) = far.expect(Match(ethertype=EXPERIMENT))
    assert frame.data == tagged
    view = dissect(frame)
    assert view.vlan == 100
    assert view.vlans[0].priority == 5


def test_silence_counts_only_beside_a_positive_control(left: Station, right: Station) -> None:
    with right.capture() as far:
        left.send(raw_frames(left, right, 1))
        far.expect(Match(ethertype=EXPERIMENT))
    control = Match(ethertype=EXPERIMENT)
    assert_absent(far, Match(ethertype=0x88B6), control)
    with pytest.raises(InconclusiveCapture, match="the positive control"):
        assert_absent(far, Match(ethertype=0x88B6), Match(ethertype=0x88B7))
    with pytest.raises(AssertionError, match="expected no frame with ethertype=34997, saw 1"):
        assert_absent(far, control, control)


def test_crafted_addresses_are_answered_for_while_owned(left: Station, right: Station) -> None:
    for address in ("10.77.0.99", "fd77::99"):
        assert right.resolve(address, deadline=0.05) == ()
        with left.proxy_arp(address) as owned:
            assert right.resolve(address, deadline=3.0) == (left.mac,)
        assert owned.answered == {address: 1}
        assert right.resolve(address, deadline=0.05) == ()


def test_the_kernel_too_believes_in_a_crafted_address(wire: Wire, left: Station) -> None:
    with left.proxy_arp("10.77.0.98", "fd77::98"), left.capture() as near:
        wire.right.run("ping -c1 -W0.1 10.77.0.98; ping -c1 -W0.1 fd77::98")
        assert near.expect(Match(dst="10.77.0.98", icmp_type=8))
        assert near.expect(Match(dst="fd77::98", icmp_type=128))


def test_two_owners_of_an_address_are_both_found(left: Station, right: Station) -> None:
    with left.proxy_arp("10.77.0.97"), left.proxy_arp("10.77.0.97", mac="02:00:00:77:00:aa"):
        found = right.resolve("10.77.0.97", listen=0.2)
    assert set(found) == {left.mac, "02:00:00:77:00:aa"}


def test_a_capture_becomes_a_pcap_that_others_read(
    left: Station, right: Station, tmp_path: Path
) -> None:
    with right.capture([Match(ethertype=EXPERIMENT)]) as far:
        left.send(raw_frames(left, right, 7))
        far.wait_for(Match(ethertype=EXPERIMENT), 7)
    path = far.write_pcap(tmp_path / "far.pcap")
    assert [(f.data, f.time_ns) for f in read_pcap(path)] == [
        (f.data, f.time_ns) for f in far.frames
    ]
    shown = subprocess.run(
        ["tcpdump", "-qnn", "-r", str(path)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.count("length 60") == 7


def test_udp_leaves_by_a_real_socket_and_its_checksums_are_right(
    left: Station, right: Station
) -> None:
    """The offloads are off, so what the kernel sends can be judged in the capture."""
    with right.capture() as far:
        left.ask(
            "udp",
            {
                "to": ["10.77.0.2", 9],
                "source": None,
                "source_ports": [0],
                "payloads": ["aGVsbG8="],
                "seconds": 0.0,
                "burst": True,
            },
        )
        (frame,) = far.expect(Match(dport=9, payload=b"hello"))
    view = dissect(frame)
    assert isinstance(view, UdpView)
    assert (view.payload, view.checksum, view.ip_checksum) == (b"hello", "correct", "correct")


def test_promiscuous_mode_ends_with_the_capture_and_with_the_agent(wire: Wire) -> None:
    def promiscuity() -> str:
        return wire.left.ok("ip -d link show eth1").split("promiscuity ")[1].split()[0]

    assert promiscuity() == "0"
    with Station.start(wire.left, "eth1") as station:
        with station.capture(promiscuous=True):
            assert promiscuity() == "1"
        assert promiscuity() == "0"
        station.capture(promiscuous=True).arm()
        assert promiscuity() == "1"
    assert promiscuity() == "0"

    station = Station.start(wire.left, "eth1")
    station.capture(promiscuous=True).arm()
    channel = wire.left.channels[-1]
    channel.process.kill()
    channel.process.wait()
    assert promiscuity() == "0"
    with pytest.raises(TrafficError, match=r"station on left: the agent (has ended|ended before)"):
        station.refresh()
    station.close()


def test_the_agent_ends_with_its_input_even_while_it_waits(wire: Wire) -> None:
    station = Station.start(wire.left, "eth1")
    capture = station.capture()
    capture.arm()
    arguments = {"capture": 2, "pattern": {}, "count": 10**6, "seconds": 60.0}
    station._link.post("wait", {**arguments, "since": 0, "frames": False})
    before = time.monotonic()
    station.close()
    assert time.monotonic() - before < 2.0
    assert wire.left.channels[-1].process.returncode == 0


def test_what_the_agent_refuses_is_told_with_the_host(left: Station, wire: Wire) -> None:
    with pytest.raises(TrafficError, match=r"station on left: the agent resolve: .*illegal IP"):
        left.resolve("10.77.0", source="10.77.0.1")
    with pytest.raises(TrafficError, match=r"unknown key 'colour' of a pattern"):
        left.ask(
            "arm",
            {
                "interface": "eth1",
                "keep": [{"colour": "red"}],
                "max_frames": 1,
                "max_bytes": 1,
                "promiscuous": False,
                "buffer_bytes": 4096,
            },
        )
    with pytest.raises(TrafficError, match=r"facts: OSError: .*No such device"):
        Station.start(wire.left, "eth7")
    assert left.refresh().mac == "02:00:00:77:00:01"


def test_a_host_without_python_is_said_to_have_none(wire: Wire) -> None:
    class Bare:
        name = "bare"

        def open(self, command: str) -> object:
            return wire.left.open(command.replace("python3", "python3-that-is-not-there"))

    with pytest.raises(TrafficError, match=r"station on bare: .*not found"):
        Station.start(Bare(), "eth1")  # type: ignore[arg-type]


@pytest.mark.parametrize("module", bundle.MODULES)
def test_the_agent_is_python_3_6(module: str) -> None:
    """Syntax by the compiler's own word; and no name that came later."""
    source = (Path(bundle.__file__).parent / f"{module}.py").read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    later = {
        "capture_output",
        "time_ns",
        "removeprefix",
        "removesuffix",
        "cached_property",
        "monotonic_ns",
        "prod",
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not used & later
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.ImportFrom) and node.level)
    }
    allowed = {
        "array",
        "asyncio",
        "base64",
        "contextlib",
        "ctypes",
        "errno",
        "fcntl",
        "hashlib",
        "json",
        "os",
        "pathlib",
        "platform",
        "select",
        "signal",
        "socket",
        "ssl",
        "struct",
        "subprocess",
        "tempfile",
        "time",
        "traceback",
        "typing",
    }
    assert imported <= allowed
