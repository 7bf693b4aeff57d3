"""`check-conf` and `explain`, as a person calls them, with no bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.diagnosis import diagnose
from tests.dpvs.recorded import recording

ROOT = Path(__file__).parents[2]

CONF = """\
global_defs {
    log_level   INFO
}
netif_defs {
    <init> device dpdk0 {
        rx {
            queue_number 1
        }
        tx {
            queue_number 1
        }
    }
}
worker_defs {
    <init> worker cpu0 {
        type master
        cpu_id 0
    }
    <init> worker cpu1 {
        type slave
        cpu_id 1
        port dpdk0 {
            rx_queue_ids 0
            tx_queue_ids 0
        }
    }
}
ctrl_defs {
    lcore_msg {
        sync_msg_timeout_us 2000
    }
    strange {
        enabled on
    }
}
sa_pool {
    <init> flow_enable off
}
"""


def said(*words: str, stdin: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "dpvs_acceptance", *words],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_file_is_checked_with_what_is_known_of_its_machine(tmp_path: Path) -> None:
    path = tmp_path / "dpvs.conf"
    path.write_text(CONF)
    status, words = said("check-conf", str(path))
    assert (status, words.count("error")) == (0, 0), words
    for option in ("version", "ports", "lcores"):
        assert f"not checked without --{option}" in words
    status, words = said("check-conf", str(path), "--version=1.9.10", "--ports=2", "--lcores=0-1")
    assert status == 1
    assert "1 device blocks, but 2 DPDK ports" in words
    status, words = said("check-conf", "-", "--lcores=0,2", stdin=CONF)
    assert "cpu_id 1, but EAL is started with lcores 0, 2" in words


def test_an_unknown_block_is_fatal_only_where_something_follows_in_its_block(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dpvs.conf"
    path.write_text(CONF)
    _, words = said("check-conf", str(path), "--version=1.9.10")
    assert f"warning: {path}:32: DPVS 1.9.10 has no ctrl_defs/strange" in words
    moved = CONF.replace("    lcore_msg", "    strange {\n        enabled on\n    }\n    lcore_msg")
    path.write_text(moved)
    _, words = said("check-conf", str(path), "--version=1.9.10")
    assert "ignores what follows, from lcore_msg in line 32 on" in words


def test_a_log_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "dpvs.log"
    path.write_text("IFA: [02] ifa_entry_add: add ifaddr 192.0.2.87 failed -- no resource\n" * 3)
    status, words = said("explain", str(path))
    assert status == 1
    assert "line 1 (3 times): error: address 192.0.2.87 was not added on a worker" in words
    assert "3 lines: 1 known failures, 0 other known lines" in words
    good = recording("v1.10.2/dpvs-stdout-log-full.txt").output
    assert said("explain", "-", stdin=good)[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("check-conf", "/nowhere/dpvs.conf"),
        ("check-conf", "-", "--version=new"),
        ("check-conf", "-", "--lcores=a-b"),
        ("check-conf", "-", "--lcores=0-99999999"),
        ("explain",),
    ],
)
def test_wrong_usage_is_told_in_a_line(words: tuple[str, ...]) -> None:
    status, told = said(*words)
    assert status == 3
    assert told.strip()


@pytest.mark.parametrize(
    ("line", "severity", "meaning"),
    [
        ("dpvs was ended by signal SIGSEGV; its last output is above", "fatal", "SIGSEGV"),
        ("dpvs was ended by signal SIGILL; its last output is above", "fatal", "instructions"),
        ("kernel: dpvs[4120]: segfault at 0 ip 0 sp 0 error 4 in dpvs", "fatal", "crashed"),
        ("traps: lcore-worker-3[77] general protection fault", "fatal", "crashed"),
        ("kernel: IP: [] toa_init+0x29d/0x1000 [toa]", "error", "toa crashed"),
        ("EAL: Requested device 0000:01:00.1 cannot be used", "error", "0000:01:00.1"),
        ("mlx5_pci: no Verbs device matches PCI device 0000:02:00.0, are kernel", "error", "02:00"),
        ("NETIF: netif_port_start: fail to config dpdk0", "error", "port dpdk0 could not be"),
        ("virtio_dev_configure(): Unsupported Rx multi queue mode 1", "error", "side scaling"),
        ("[sockopt_msg_recv] errcode set in socket msg#400 header: failed dpdk api(-11)",
         "error", "refused"),
        ("NETIF: kni_send2kern_loop: fail to send pkts to kni", "warning", "dropped at a kni"),
        ("NEIGHBOUR: [neigh_resolve_output] arp_unres_queue is full, drop packet",
         "warning", "neighbour"),
        ("IPVS: dp_vs_new_stats: no memory", "error", "no memory for dp_vs_new_stats"),
        ("KNI: Update maddr of dpdk0 Failed !", "warning", "dpdk0"),
    ],
)  # fmt: skip
def test_lines_that_people_met_are_known(line: str, severity: str, meaning: str) -> None:
    (found, *_) = diagnose([line])
    assert found.severity == severity
    assert meaning in found.meaning
    assert found.cause
    assert found.look_at
