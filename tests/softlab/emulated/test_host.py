"""What else whoever logs in finds: memory, modules, files, tools; and how the hardware ends."""

import threading
from pathlib import Path

import pytest

from tests.softlab.emulated.conftest import Maker
from tests.softlab.emulated.hosts import SECONDS, PlayedHost

NODE0 = "/sys/devices/system/node/node0"
POOL = f"{NODE0}/hugepages/hugepages-2048kB"
ERRORS = [
    ("insmod /opt/dpvs/dpdk/kmod/igb_uio.ko", 1, "Unknown symbol in module"),
    ("insmod /nowhere.ko", 1, "could not load module /nowhere.ko: No such file or directory"),
    ("insmod /etc/hostname", 1, "Invalid module format"),
    ("insmod /lib/modules/*/kernel/drivers/net/mdio.ko", 1, "File exists"),
    ("modprobe igb_uio", 1, "FATAL: Module igb_uio not found in directory /lib/modules/"),
    ("modprobe -r ptp", 1, "modprobe: FATAL: Module ptp is in use."),
    ("rmmod uio", 1, "rmmod: ERROR: Module uio is not currently loaded"),
    ("rmmod dca", 1, "rmmod: ERROR: Module dca is in use by: ixgbe igb"),
    ("rmmod printk", 1, "rmmod: ERROR: Module printk is builtin."),
    ("modinfo no_such", 1, "modinfo: ERROR: Module no_such not found."),
    ("bash -c 'echo -1 > " + POOL + "/nr_hugepages'", 1, "Invalid argument"),
    ("bash -c 'echo many > " + POOL + "/nr_hugepages'", 1, "Invalid argument"),
    ("echo 1 > " + POOL + "/free_hugepages", 2, "Permission denied"),
    ("echo 1 > /sys/kernel/mm/transparent_hugepage/enabled", 2, "Read-only file system"),
    ("touch /sys/new", 1, "not permitted"),
    ("numactl --show", 1, "only -H"),
    ("rpm -i x.rpm", 1, "only -q"),
]


@pytest.mark.parametrize(("command", "status", "words"), ERRORS)
def test_what_is_refused(shared: PlayedHost, command: str, status: int, words: str) -> None:
    done = shared.run(command)
    assert words in done.err, (done, command)
    assert done.status == status


def test_pages_beyond_the_node_are_granted_in_part_within_the_write(host: PlayedHost) -> None:
    granted = int(host.ok(f"echo 40000 > {POOL}/nr_hugepages; cat {POOL}/nr_hugepages"))
    assert 30000 < granted < (64184 - 2153) // 2
    assert "Only allocated" in host.ok("dmesg | tail -1")
    assert host.ok("cat /proc/sys/vm/nr_hugepages") == f"{granted}\n"
    assert host.ok("echo 100 > /proc/sys/vm/nr_hugepages; cat " + POOL + "/nr_hugepages") == "50\n"


def test_the_machines_own_pages_are_not_touched(host: PlayedHost) -> None:
    own = Path("/proc/sys/vm/nr_hugepages")
    before = own.read_text()
    host.ok("echo 64 > /proc/sys/vm/nr_hugepages; echo 64 > " + POOL + "/nr_hugepages")
    assert own.read_text() == before


def test_the_log_tells_why_a_module_was_refused(host: PlayedHost) -> None:
    before = host.ok("dmesg")
    host.run(
        "insmod /opt/dpvs/dpdk/kmod/igb_uio.ko; echo 0000:04:00.0 > /sys/bus/pci/drivers/igb/bind"
    )
    added = host.ok("dmesg").removeprefix(before).splitlines()
    assert [line.split("] ", 1)[1] for line in added] == ["igb_uio: Unknown symbol of uio (err 0)"]


def test_a_process_holds_its_pages_until_its_connection_ends(host: PlayedHost) -> None:
    host.ok("echo 2048 > /proc/sys/vm/nr_hugepages")
    dpvs = host.connect()
    assert dpvs.ask("reserve_hugepages", bytes_per_node=1 << 30) == {"ok": True}
    assert host.ok(f"cat {POOL}/nr_hugepages {POOL}/free_hugepages") == "1024\n512\n"
    assert "Node 0 HugePages_Free:    512" in host.ok(f"cat {NODE0}/meminfo")
    other = host.connect()
    refused = other.ask("reserve_hugepages", bytes_per_node={"1": 2 << 30})
    assert refused["errno"] == "ENOMEM"
    assert "socket 1! Requested: 2048MB, available: 1024MB" in refused["error"]
    dpvs.close()
    # The answer to another connection comes after the end of that one was seen.
    other.ask("ports")
    assert host.ok(f"cat {POOL}/free_hugepages") == "1024\n"


def test_modules_in_use_stay_until_the_process_ends(host: PlayedHost) -> None:
    host.ok("modprobe uio && insmod /opt/dpvs/dpdk/kmod/igb_uio.ko && modprobe vhost_net")
    host.ok("dpdk-devbind.py -b igb_uio 04:00.0 && test -c /dev/uio0 && test -c /dev/vhost-net")
    dpvs = host.connect()
    _, sockets = dpvs.ask_for_sockets("probe")
    assert dpvs.ask("open_device", path="/dev/vhost-net") == {"ok": True}
    assert host.ok("lsmod | grep '^igb_uio '").split() == ["igb_uio", "13506", "1"]
    assert host.run("rmmod igb_uio").err == "rmmod: ERROR: Module igb_uio is in use\n"
    assert host.run("modprobe -r vhost_net").err == "modprobe: FATAL: Module vhost_net is in use.\n"
    assert dpvs.ask("open_device", path="/dev/kni")["errno"] == "ENOENT"
    for one in sockets:
        one.close()
    dpvs.close()
    host.connect().ask("ports")
    host.ok("rmmod igb_uio && modprobe -r vhost_net && test ! -e /dev/uio0")
    assert "tun" not in host.ok("lsmod")


def test_kni_without_carrier_says_so(make: Maker) -> None:
    host = make(dpvs_version="1.9.10")
    host.ok("insmod /opt/dpvs/dpdk/kmod/rte_kni.ko")
    assert host.ok("cat /sys/module/rte_kni/parameters/carrier") == "(null)\n"
    host.ok("rmmod rte_kni && insmod /opt/dpvs/dpdk/kmod/rte_kni.ko carrier=off")
    assert host.ok("cat /sys/module/rte_kni/parameters/carrier") == "off\n"
    wrong = host.run("rmmod rte_kni && insmod /opt/dpvs/dpdk/kmod/rte_kni.ko carrier=1")
    assert "Invalid parameters" in wrong.err


def test_what_is_emulated_agrees_with_itself(shared: PlayedHost) -> None:
    cpus = shared.ok("cat /sys/devices/system/cpu/online; grep -c ^processor /proc/cpuinfo")
    assert cpus == "0-19\n20\n"
    assert shared.ok("cat /sys/devices/system/cpu/smt/active") == "0\n"
    slots = shared.ok("ls /sys/bus/pci/devices").split()
    assert [line.split()[0] for line in shared.ok("lspci -D").splitlines()] == slots
    assert shared.ok("lspci -Dvmmnnk") == shared.ok("lspci -D -vmm -nn -k")
    assert shared.ok("lspci -n -s 82:00.1") == "82:00.1 0200: 8086:154d (rev 01)\n"
    modules = {line.split()[0] for line in shared.ok("lsmod").splitlines()[1:]}
    listed = set(shared.ok("ls /sys/module").split())
    assert modules < listed
    assert modules == {
        name for name in listed if shared.run(f"test -e /sys/module/{name}/initstate").status == 0
    }


def test_ethtool_tells_of_the_nics(shared: PlayedHost) -> None:
    shared.on_fabric("ip link set far-eth4 up; ip link set far-eth0 up")
    told = shared.ok("ethtool eth4")
    assert "\tSpeed: 10000Mb/s\n" in told
    assert "\tDuplex: Full\n" in told
    assert "\tLink detected: yes" in told
    assert "\tSpeed: 1000Mb/s\n" in shared.ok("ethtool eth0")
    driver = shared.ok("ethtool -i eth4").splitlines()
    assert (driver[0], driver[4]) == ("driver: ixgbe", "bus-info: 0000:82:00.0")
    assert "tcp-segmentation-offload" in shared.ok("ethtool -k eth4")  # the real one


def test_packages_are_asked_for_as_of_rpm(shared: PlayedHost) -> None:
    asked = shared.run("rpm -q numactl no-such popt")
    assert asked.out == (
        "numactl-2.0.12-5.el7.x86_64\npackage no-such is not installed\npopt-1.13-16.el7.x86_64\n"
    )
    assert asked.status == 1
    assert shared.ok("rpm -q --queryformat='%{VERSION}' libnl3-devel") == "3.2.28"
    assert shared.ok("rpm -q --quiet patch 2>&1") == ""
    assert shared.run("command -v dpkg-query").status != 0


def test_an_absent_package_is_absent(make: Maker) -> None:
    host = make(absent_packages=["libnl3-devel"])
    assert host.run("rpm -q libnl3-devel").out == "package libnl3-devel is not installed\n"


def test_interfaces_own_files_may_be_written(host: PlayedHost) -> None:
    host.ok("echo 1400 > /sys/class/net/eth2/mtu")
    assert "mtu 1400" in host.ok("ip link show dev eth2")


def test_reading_while_things_move(host: PlayedHost) -> None:
    """Readers of everything meanwhile get an answer or a plain error, and nobody hangs."""
    host.ok("modprobe uio_pci_generic")
    readers = [
        threading.Thread(target=host.run, args=("grep -rs . /sys/class/net/ /sys/bus/pci/",))
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for driver in ("uio_pci_generic", "ixgbe") * 2:
        host.ok(f"dpdk-devbind.py -b {driver} 04:00.0 82:00.0")
    for reader in readers:
        reader.join(SECONDS)
        assert not reader.is_alive()
    assert host.ok("ls /sys/class/net").split() == ["eth0", "eth2", "eth3", "eth4", "eth5", "lo"]


def test_nonsense_on_the_socket_is_answered(shared: PlayedHost) -> None:
    asker = shared.connect()
    assert "known are dmesg, insmod" in asker.ask("format_disk")["error"]
    assert asker.ask("reserve_hugepages")["errno"] == "EINVAL"
    asker.socket.sendall(b"not json")  # what comes after it on the line makes it no better
    assert asker.ask("ports")["errno"] == "EINVAL"
    assert asker.ask("ports") == {"ports": []}


def test_it_ends_with_the_host(host: PlayedHost) -> None:
    host.kill()
    assert host.hardware.wait(SECONDS) == 0


def test_without_it_the_host_has_no_hardware(host: PlayedHost) -> None:
    host.hardware.kill()
    host.hardware.wait(SECONDS)
    assert "not connected" in host.run("ls /sys").err
    assert host.run("lsmod").status == 1
    assert Path(f"/proc/{host.pid}").exists()
