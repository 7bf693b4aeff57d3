"""NICs between the kernel and DPDK: where their interfaces are, and who gets their frames."""

import errno
import json
import os
import socket

import pytest

from tests.softlab.emulated.conftest import Maker
from tests.softlab.emulated.hosts import PlayedHost, mac

FRAME = bytes.fromhex("ffffffffffff020000000099") + b"\x88\xb5" + b"from the fabric".ljust(60, b".")
ANSWER = bytes.fromhex("020000000099") + bytes.fromhex("020000000002") + b"\x88\xb5" + b"." * 60


def interface(host: PlayedHost, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(host.ok(f"ip -j addr show dev {name}"))[0]
    return found


@pytest.fixture
def bound(host: PlayedHost) -> PlayedHost:
    """eth2 and eth4 are with uio_pci_generic."""
    host.ok("modprobe uio_pci_generic && dpdk-devbind.py -b uio_pci_generic 82:00.0 04:00.0")
    return host


def test_frames_of_a_bound_nic_go_to_its_packet_socket_both_ways(bound: PlayedHost) -> None:
    dpvs = bound.connect()
    answer, sockets = dpvs.ask_for_sockets("probe")
    ports = answer["ports"]
    assert [port["pci"] for port in ports] == ["0000:04:00.0", "0000:82:00.0"]
    assert [port["mac"] for port in ports] == [mac("eth2"), mac("eth4")]
    assert [port["numa_node"] for port in ports] == [0, 1]
    assert [(port["driver"], port["up"], port["speed"]) for port in ports] == [
        ("uio_pci_generic", True, 10000)
    ] * 2
    bound.on_fabric("ip link set far-eth2 up")
    first = sockets[0]
    first.settimeout(10)
    send = (
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
        f"s.bind(('far-eth2', 0)); s.send(bytes.fromhex('{FRAME.hex()}'))"
    )
    bound.on_fabric(f'python3 -c "{send}"')
    while first.recv(2048) != FRAME:  # the far end's own neighbour discovery comes as well
        pass
    before = _received(bound, "far-eth2")
    assert first.send(ANSWER) == len(ANSWER)
    assert _received(bound, "far-eth2") == before + 1
    assert ANSWER not in _pending(first), "a port hears what it sends itself"
    for one in sockets:
        one.close()
    dpvs.close()


def _pending(port: socket.socket) -> list[bytes]:
    """The frames that have arrived on a port."""
    port.setblocking(False)
    frames = []
    try:
        while True:
            frames.append(port.recv(2048))
    except BlockingIOError:
        return frames


def _received(host: PlayedHost, name: str) -> int:
    link = json.loads(host.on_fabric(f"ip -j -s link show dev {name}"))[0]
    return int(link["stats64"]["rx"]["packets"])


def test_the_kernel_behind_a_bound_nic_is_silent(bound: PlayedHost) -> None:
    """Without addresses of either family it answers nobody and announces nothing."""
    bound.on_fabric("ip link set far-eth2 up")
    hidden = f"nsenter -t {bound.hardware.pid} -n ip -j addr show"
    there = {link["ifname"]: link for link in json.loads(bound.on_fabric(hidden))}
    assert there["p0000-04-00.0"]["operstate"] == "UP"
    assert [link["addr_info"] for link in there.values()] == [[], [], []]
    assert there.keys() == {"lo", "p0000-04-00.0", "p0000-82-00.0"}


def test_a_nic_comes_back_as_it_was_but_down_and_bare(bound: PlayedHost) -> None:
    bound.ok("dpdk-devbind.py -b ixgbe 04:00.0")
    back = interface(bound, "eth2")
    assert (back["address"], back["addr_info"]) == (mac("eth2"), [])
    assert "UP" not in back["flags"]  # type: ignore[operator]
    assert bound.ok("readlink /sys/class/net/eth2/device") == "../../../0000:04:00.0\n"
    bound.ok("ip link set eth2 up")
    assert "UP" in interface(bound, "eth2")["flags"]  # type: ignore[operator]


def test_an_unbound_nic_belongs_to_nobody(host: PlayedHost) -> None:
    host.ok("dpdk-devbind.py -u 04:00.1")
    assert "eth3" not in host.ok("ls /sys/class/net")
    other = host.ok("dpdk-devbind.py --status-dev net").split("Other Network devices")[1]
    assert "0000:04:00.1" in other
    assert host.connect().ask("ports") == {"ports": []}
    host.ok("echo 0000:04:00.1 > /sys/bus/pci/drivers_probe")
    assert host.ok("basename $(readlink /sys/class/net/eth3/device/driver)") == "ixgbe\n"


def test_a_renamed_interface_is_still_that_nic(host: PlayedHost) -> None:
    host.ok("ip link set eth5 down && ip link set eth5 name wan1")
    assert host.ok("readlink /sys/class/net/wan1/device") == "../../../0000:82:00.1\n"
    assert "if=wan1 " in host.ok("dpdk-devbind.py --status-dev net")
    host.ok("modprobe uio_pci_generic && dpdk-devbind.py -b uio_pci_generic wan1")
    host.ok("dpdk-devbind.py -b ixgbe 82:00.1")
    assert interface(host, "wan1")["address"] == mac("eth5")


def test_a_name_that_was_taken_meanwhile_is_not_fought_over(bound: PlayedHost) -> None:
    bound.ok("ip link add eth2 type veth && dpdk-devbind.py -b ixgbe 04:00.0")
    address = "basename $(readlink /sys/class/net/{}/device)"
    assert bound.ok(address.format("eth1")) == "0000:04:00.0\n"
    assert interface(bound, "eth1")["address"] == mac("eth2")


def test_other_interfaces_come_and_go_in_sysfs_at_once(host: PlayedHost) -> None:
    for _ in range(5):
        host.ok("ip link add dpdk0.kni type veth && test -d /sys/class/net/dpdk0.kni/statistics")
        assert host.ok("cat /sys/class/net/dpdk0.kni/mtu") == "1500\n"
        host.ok("ip link del dpdk0.kni && test ! -e /sys/class/net/dpdk0.kni")


def test_the_tool_refuses_what_the_real_one_refuses(host: PlayedHost) -> None:
    absent = host.run("dpdk-devbind.py -b igb_uio 04:00.0")
    assert (absent.status, absent.err) == (
        1,
        (
            "Warning: no supported DPDK kernel modules are loaded\n"
            "Error: Driver 'igb_uio' is not loaded.\n"
        ),
    )
    host.ok("modprobe uio_pci_generic")
    active = host.run("dpdk-devbind.py -b uio_pci_generic eth0")
    assert active.err == (
        "Warning: routing table indicates that interface 0000:01:00.0 is active. Not modifying\n"
    )
    assert interface(host, "eth0")["operstate"] in ("UP", "LOWERLAYERDOWN", "DOWN")
    unknown = host.run("dpdk-devbind.py -b uio_pci_generic 0000:99:00.0")
    assert unknown.status == 1
    assert "Unknown device: 0000:99:00.0" in unknown.err
    vfio = host.run("modprobe vfio-pci && dpdk-devbind.py -b vfio-pci 04:00.0")
    assert vfio.status == 1
    assert "Cannot bind to driver vfio-pci: [Errno 22] Invalid argument" in vfio.err
    host.ok("echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
    host.ok("dpdk-devbind.py -b vfio-pci 04:00.0 && test -c /dev/vfio/noiommu-0")


def test_an_active_nic_moves_by_force(host: PlayedHost) -> None:
    host.ok("modprobe uio_pci_generic && dpdk-devbind.py --force -b uio_pci_generic eth0")
    assert "eth0" not in host.ok("ls /sys/class/net")


def test_removing_the_driver_takes_all_its_interfaces(host: PlayedHost) -> None:
    host.ok("rmmod ixgbe")
    assert host.ok("ls /sys/class/net").split() == ["eth0", "lo"]
    host.ok("modprobe ixgbe")
    assert host.ok("ls /sys/class/net").split() == ["eth0", "eth2", "eth3", "eth4", "eth5", "lo"]


def test_a_port_can_be_made_promiscuous(bound: PlayedHost) -> None:
    asker = bound.connect()
    assert asker.ask("set_promiscuous", pci="0000:04:00.0", on=True) == {"ok": True}
    refused = asker.ask("set_promiscuous", pci="0000:04:00.1", on=True)
    assert refused["errno"] == "ENODEV"


def test_a_missing_interface_is_named(make: Maker) -> None:
    host = make(nics=("eth0", "eth2", "eth3", "eth4"))
    assert host.said == ""
    _, words = host.hardware.communicate(timeout=10)
    assert host.hardware.returncode == 1
    assert "eth5 (0000:82:00.1) is not in the network namespace" in words
    assert "there are eth0, eth2, eth3, eth4, lo" in words


def test_writes_to_driver_files_fail_with_the_kernels_errno(host: PlayedHost) -> None:
    drivers = f"/proc/{host.pid}/root/sys/bus/pci/drivers"
    for path, text, number in (
        ("ixgbe/bind", "0000:04:00.0", errno.EBUSY),
        ("ixgbe/unbind", "0000:01:00.0", errno.ENODEV),
        ("igb/bind", "0000:04:00.0", errno.ENODEV),
    ):
        descriptor = os.open(f"{drivers}/{path}", os.O_WRONLY)
        with pytest.raises(OSError, match=os.strerror(number)):
            os.write(descriptor, text.encode())
        os.close(descriptor)
