"""What is not as it was is named, and only that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dpvs_acceptance.hosts import survey
from dpvs_acceptance.hosts.batch import Section
from dpvs_acceptance.hosts.compare import differences
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.snapshot import Snapshot, take

from .server import Server


def _snapshot(**sections: str) -> Snapshot:
    names = {"pci": "pci net", "routes": "ip -4 route", "mounts": "/proc/mounts"}
    names["rules"] = "ip rule"
    return Snapshot(
        "lb01",
        "2026-01-01T00:00:00Z",
        {names.get(k, k): Section("", 0, text, 0.0) for k, text in sections.items()},
    )


_PCI = "device 0000:04:00.0\n class 0x020000\n vendor 0x8086\n device 0x10fb\n driver {}\n"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            _snapshot(pci=_PCI.format("ixgbe") + " interface eth2\n"),
            _snapshot(pci=_PCI.format("igb_uio")),
            ["lb01: driver of 0000:04:00.0 was ixgbe (eth2), is igb_uio"],
        ),
        (
            _snapshot(hugepages="node1/hugepages/hugepages-2048kB/nr_hugepages:0\n"),
            _snapshot(hugepages="node1/hugepages/hugepages-2048kB/nr_hugepages:512\n"),
            ["lb01: hugepages of 2048 kB on node 1 was 0, is 512"],
        ),
        (
            _snapshot(mounts="nodev /mnt/huge hugetlbfs rw 0 0\n"),
            _snapshot(mounts="nodev /mnt/huge hugetlbfs rw 0 0\n" * 2),
            [
                "lb01: mount /mnt/huge was hugetlbfs (nodev), is hugetlbfs (nodev), "
                "hugetlbfs (nodev)"
            ],
        ),
        (
            _snapshot(lsmod="Module Size Used by\nuio 1 0\n"),
            _snapshot(lsmod="Module Size Used by\n"),
            ["lb01: module uio is gone: it was loaded"],
        ),
        (
            _snapshot(routes=""),
            _snapshot(routes="default via 192.0.2.1 dev em1\n"),
            ["lb01: route 0.0.0.0/0 via 192.0.2.1 dev em1 is new: there 1 times"],
        ),
        (
            _snapshot(processes=""),
            _snapshot(
                processes="  7 1 Mon Nov 23 18:17:16 2026 /opt/dpvs/bin/dpvs -c x\n"
                "  8 1 Mon Nov 23 18:17:16 2026 vi dpvs\n"
            ),
            ["lb01: processes of dpvs is new: 1 running"],
        ),
        (
            _snapshot(rules="rule -4: 0:\tfrom all lookup local\n"),
            _snapshot(
                rules="rule -4: 0:\tfrom all lookup local\n"
                "route -4: 10.0.96.101 via 10.0.96.12 dev eth1 table 5390\n"
            ),
            [
                "lb01: policy routing, route -4: 10.0.96.101 via 10.0.96.12 dev eth1 table 5390 "
                "is new: there 1 times"
            ],
        ),
        (_snapshot(boot_id="a\n"), _snapshot(boot_id="b\n"), ["lb01: boot id was a, is b"]),
        (_snapshot(boot_id="a\n"), _snapshot(lsmod="Module Size Used by\nx 1 0\n"), []),
    ],
)
def test_difference_is_one_readable_line(
    before: Snapshot, after: Snapshot, told: list[str]
) -> None:
    assert [str(one) for one in differences(before, after)] == told
    assert differences(before, before) == ()


def test_what_cannot_be_read_any_more_is_a_difference() -> None:
    before = _snapshot(lsmod="Module Size Used by\n")
    broken = replace(before.get("lsmod"), exit_status=127, stderr="lsmod: not found\n")
    after = Snapshot("lb01", "", {"lsmod": broken})
    (found,) = differences(before, after)
    assert str(found) == "lb01: reading lsmod was possible, is lsmod: not found"
    assert differences(after, after) == ()


def test_real_host_before_and_after(start_server: Callable[..., Server]) -> None:
    server = start_server()
    wanted = survey.dut(survey.DutPaths(conf="/var/lib/play.conf"))
    with connect("lb01", "lb01", server.ssh_config) as host:
        before = take(host, wanted)
        assert differences(before, take(host, wanted)) == ()
        _change(host)
        told = [str(one) for one in differences(before, take(host, wanted))]
        host.run("kill $(pidof dpvs); umount /mnt; rm /var/lib/play.conf", timeout=5)
        assert [line.split(" is new: ")[0] for line in told if "content" not in line] == [
            "lb01: mount /mnt",
            "lb01: mode of /var/lib/play.conf",
            "lb01: processes of dpvs",
        ]
        assert any(line.startswith("lb01: content of /var/lib/play.conf is new") for line in told)
        assert differences(before, take(host, wanted)) == ()


def _change(host: Host) -> None:
    result = host.run(
        "mount -t tmpfs none /mnt; echo x >/var/lib/play.conf; cp /bin/sleep /run/dpvs; "
        "setsid /run/dpvs 60 </dev/null >/dev/null 2>&1 & until pidof dpvs; do :; done"
    )
    assert result.ok
