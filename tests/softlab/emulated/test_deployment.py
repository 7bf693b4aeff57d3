"""The article's steps on the emulated hardware, command by command: 1.1.3, 1.2.1, 2.1.3, 2.2."""

import os

from tests.softlab.emulated.conftest import Maker
from tests.softlab.emulated.hosts import mac

POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"
NIANTIC = "82599ES 10-Gigabit SFI/SFP+ Network Connection 10fb"
X520 = "Ethernet 10G 2P X520 Adapter 154d"


def test_the_article(make: Maker) -> None:
    host = make(dpvs_version="1.8.10")
    assert host.said == "ready\n"

    # 1.1.3: NIC name, MAC, PCI address
    cards = host.ok("lspci | grep -i net").splitlines()
    assert [card.split(" ", 1)[0] for card in cards] == [
        *("01:00.0", "04:00.0", "04:00.1", "82:00.0", "82:00.1")
    ]
    assert cards[1] == (
        "04:00.0 Ethernet controller: Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network "
        "Connection (rev 01)"
    )
    assert host.ok("readlink /sys/class/net/eth2/device") == "../../../0000:04:00.0\n"
    assert host.ok("cat /sys/class/net/eth4/address /sys/class/net/eth4/device/numa_node") == (
        f"{mac('eth4')}\n1\n"
    )

    # 1.2.1: packages of the running kernel
    release = os.uname().release
    kernel = host.ok("rpm -qa | grep kernel").splitlines()
    for name in ("kernel-devel", "kernel-headers"):
        assert f"{name}-{release.removesuffix('.x86_64')}.x86_64" in kernel
    assert host.run(f"rpm -q kernel-devel-{release} libnl3-devel popt-devel").status == 0
    assert host.ok("cat /etc/redhat-release") == "CentOS Linux release 7.9.2009 (Core)\n"
    assert host.ok(f"ls -d /lib/modules/{release}/build/") == f"/lib/modules/{release}/build/\n"

    # 2.1.3: hugepages
    assert "node 0 free: 62031 MB" in host.ok("numactl -H")
    for node in (0, 1):
        host.ok(f"echo 28672 > {POOL.format(node)}")
    host.ok("mkdir /mnt/huge && mount -t hugetlbfs nodev /mnt/huge")
    assert host.ok("numactl -H") == (
        "available: 2 nodes (0-1)\n"
        "node 0 cpus: 0 2 4 6 8 10 12 14 16 18\n"
        "node 0 size: 64184 MB\n"
        "node 0 free: 4687 MB\n"
        "node 1 cpus: 1 3 5 7 9 11 13 15 17 19\n"
        "node 1 size: 64494 MB\n"
        "node 1 free: 5759 MB\n"
        "node distances:\n"
        "node   0   1 \n"
        "  0:  10  21 \n"
        "  1:  21  10 \n"
    )
    total, _used, free = host.ok("free -g").splitlines()[1].split()[1:4]
    assert (total, free) == ("125", "10")

    # 2.2: modules
    kmod = "/opt/dpvs/dpdk/kmod"
    assert host.ok(f"modinfo -F vermagic {kmod}/igb_uio.ko").split()[0] == release
    host.ok(f"modprobe uio && insmod {kmod}/igb_uio.ko && insmod {kmod}/rte_kni.ko carrier=on")
    loaded = host.ok("lsmod").splitlines()
    assert loaded[:4] == [
        "Module                  Size  Used by",
        "rte_kni                26556  0",
        "igb_uio                13506  0",
        "uio                    19338  1 igb_uio",
    ]
    assert host.ok("cat /sys/module/rte_kni/parameters/carrier") == "on\n"
    assert host.ok("test -c /dev/kni && echo there") == "there\n"

    # 2.2: binding
    host.ok("for nic in eth2 eth3 eth4 eth5; do ip link set $nic down; done")
    status = host.ok("/opt/dpvs/dpdk/usertools/dpdk-devbind.py --status")
    assert status.startswith(
        "\nNetwork devices using kernel driver\n"
        "===================================\n"
        "0000:01:00.0 'I350 Gigabit Network Connection 1521' if=eth0 drv=igb unused=igb_uio "
        "*Active*\n"
        f"0000:04:00.0 '{NIANTIC}' if=eth2 drv=ixgbe unused=igb_uio \n"
        f"0000:04:00.1 '{NIANTIC}' if=eth3 drv=ixgbe unused=igb_uio \n"
        f"0000:82:00.0 '{X520}' if=eth4 drv=ixgbe unused=igb_uio \n"
        f"0000:82:00.1 '{X520}' if=eth5 drv=ixgbe unused=igb_uio \n"
    )
    for address in ("0000:04:00.0", "0000:04:00.1", "0000:82:00.0", "0000:82:00.1"):
        host.ok(f"dpdk-devbind.py -b igb_uio {address}")
    assert host.ok("dpdk-devbind.py --status-dev net") == (
        "\nNetwork devices using DPDK-compatible driver\n"
        "============================================\n"
        f"0000:04:00.0 '{NIANTIC}' drv=igb_uio unused=ixgbe\n"
        f"0000:04:00.1 '{NIANTIC}' drv=igb_uio unused=ixgbe\n"
        f"0000:82:00.0 '{X520}' drv=igb_uio unused=ixgbe\n"
        f"0000:82:00.1 '{X520}' drv=igb_uio unused=ixgbe\n"
        "\nNetwork devices using kernel driver\n"
        "===================================\n"
        "0000:01:00.0 'I350 Gigabit Network Connection 1521' if=eth0 drv=igb unused=igb_uio "
        "*Active*\n"
    )
    assert host.ok("ls /sys/class/net").split() == ["eth0", "lo"]

    # and all of it back
    host.ok("dpdk-devbind.py -b ixgbe 0000:04:00.0 0000:04:00.1 82:00.0 82:00.1")
    host.ok("rmmod rte_kni && rmmod igb_uio && rmmod uio && umount /mnt/huge")
    for node in (0, 1):
        host.ok(f"echo 0 > {POOL.format(node)}")
    assert host.ok("ls /sys/class/net").split() == ["eth0", "eth2", "eth3", "eth4", "eth5", "lo"]
    assert "node 0 free: 62031 MB" in host.ok("numactl -H")
    assert host.ok("ls /dev").split() == ["null", "vhost-net"]
