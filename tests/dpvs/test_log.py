"""The log, what a start says in it, and what is made of a start that failed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpvs_acceptance.dpvs.diagnosis import LONGEST_LINE, diagnose
from dpvs_acceptance.dpvs.log import DeviceSettings, LinkUp, parse_log, read_start
from dpvs_acceptance.dpvs.signature import Signature
from dpvs_acceptance.dpvs.signatures import SIGNATURES
from tests.dpvs.recorded import recording

FULL = recording("v1.10.2/dpvs-stdout-log-full.txt").output


def test_every_line_is_in_an_entry() -> None:
    entries = parse_log(FULL)
    words = [word for entry in entries for word in f"{entry.component}: {entry.message}".split()]
    said = FULL.replace("----log----", "").split()
    assert [word for word in words if word != "----log----"] == said


def test_tables_stay_with_their_entry() -> None:
    by_start = {entry.message.split("\n")[0].strip(): entry for entry in parse_log(FULL)}
    roles = by_start["LCORE ROLES:"]
    assert "lcre_role_fwd_worker: 1" in roles.message
    assert "RSS: Inhibited" in by_start["device dpdk0 configuration:"].message
    assert "rx0-tx0     cpu1-cpu1" in by_start["port-queue-lcore relation array:"].message


@pytest.mark.parametrize(
    ("line", "timestamp"),
    [
        ("NETIF: >> dpdk0: link up - speed 10000 Mbps - full-duplex", None),
        ("2026-11-23 14:18:32 SAPOOL: no more", "2026-11-23 14:18:32"),
        ("Nov 23 14:18:32 lb01 dpvs[4711]: SAPOOL: no more", "Nov 23 14:18:32"),
        ("Nov  3 14:18:32 lb01 dpvs: SAPOOL: no more", "Nov  3 14:18:32"),
        (
            "2026-11-23T14:18:32.123456+08:00 lb01 dpvs[4711]: SAPOOL: no more",
            "2026-11-23T14:18:32.123456+08:00",
        ),
        ("2026-11-23T14:18:32+0800 lb01 dpvs[4711]: SAPOOL: no more", "2026-11-23T14:18:32+0800"),
        ("Nov 23 14:18:32.123456 lb01 dpvs[4711]: SAPOOL: no more", "Nov 23 14:18:32.123456"),
        ("Nov 23 14:18:32 lb01 start-dpvs.sh[4711]: SAPOOL: no more", "Nov 23 14:18:32"),
    ],
)
def test_forms_of_a_line(line: str, timestamp: str | None) -> None:
    (entry,) = parse_log(line)
    assert entry.timestamp == timestamp
    assert entry.component in ("NETIF", "SAPOOL")


def test_a_start() -> None:
    start = read_start(FULL)
    assert (start.version, start.ipc_file) == ("1.10-2", "/var/run/dpvs.ipc")
    assert (start.log_level, start.log_file) == ("INFO", "/etc/dpvs-lab/dpvs.log")
    assert start.device("dpdk1") == DeviceSettings("dpdk1", 1, 1, 256, 512, "all", "dpdk1.kni")
    assert start.device("dpdk2") is None
    assert start.links_up == (
        LinkUp("dpdk0", 10000, "full-duplex"),
        LinkUp("dpdk1", 10000, "full-duplex"),
    )
    assert start.failed == start.unknown_keywords == ()
    assert start.loops == ((0, "lcre_role_master"), (1, "lcre_role_fwd_worker"))


def test_only_the_last_start_of_a_log_counts() -> None:
    log = recording("v1.10.2/dpvs-log-after-errors.txt").output
    second = "\n".join(
        line.replace("dpdk0", "dpdk7")
        for line in log.split("\n")
        if "dpdk1" not in line and "lcore 01" not in line
    )
    start = read_start(log + second)
    assert [device.name for device in start.devices] == ["dpdk7"]
    assert [up.device for up in start.links_up] == ["dpdk7"]
    assert [lcore for lcore, _ in start.loops] == [0]


def test_a_reload_is_no_start() -> None:
    reload = (
        "CFG_FILE: Got signal SIGHUP.\n"
        "CFG_FILE: load dpvs configuation file at 2026/11/23 15:18:32 Monday\n"
        "DTIMER: sched_interval = 500\n"
    )
    assert read_start(FULL + reload) == read_start(FULL)


def test_a_start_that_died_early_counts() -> None:
    died = recording("v1.10.2/fail-missing-conf.txt").output
    start = read_start(FULL + died)
    assert start.conf_file == "/etc/dpvs-lab/none.conf"
    assert start.devices == ()


def test_failed_ports_redirect_and_keywords() -> None:
    text = (
        "CFG_FILE: not supported keyword -- fdir\n"
        "NETIF: cpu16(16) used to redirect icmp packets\n"
        "NETIF: netif_port_start: fail to bring up dpdk1\n"
        "DPVS: Start dpdk1 failed, skipping ...\n"
    )
    start = read_start(text)
    assert start.failed == ("dpdk1",)
    assert start.icmp_redirect == ("cpu16", 16)
    assert start.unknown_keywords == ("fdir",)


@pytest.mark.parametrize(
    ("name", "severity", "meaning"),
    [
        ("fail-bad-queue-ids", "fatal", "queue ids of a port are not contiguous from 0"),
        ("fail-conf-one-port-two-vdevs", "fatal", "DPDK has 2 ports, but dpvs.conf has 1"),
        ("fail-conf-two-ports-one-vdev", "fatal", "a worker lists more ports than exist"),
        ("fail-few-hugepages", "fatal", "no memory for DPVS's module ctrl"),
        ("fail-missing-conf", "fatal", "DPDK has 1 ports, but dpvs.conf has 0"),
        ("fail-no-hugepages", "fatal", "there are no hugepages"),
        ("fail-no-ports", "fatal", "DPDK finds no port"),
        ("kni-on-without-vhost-net", "fatal", "a kni device could not be created"),
        ("err-dpvs-already-running", "fatal", "the pid file has the id of a running process"),
        ("err-notrunning-dpip", "error", "a tool could not connect to dpvs"),
    ],
)
def test_why_it_died(name: str, severity: str, meaning: str) -> None:
    """The first thing said is the thing that was wrong when the recording was made."""
    first = diagnose(recording(f"v1.10.2/{name}.txt").output.split("\n"))[0]
    assert first.severity == severity
    assert meaning in first.meaning
    assert first.cause
    assert first.look_at


def test_a_good_start_has_no_error() -> None:
    findings = diagnose(FULL.split("\n"))
    assert {finding.severity for finding in findings} == {"warning"}
    assert [finding.times for finding in findings] == [2, 2, 2]


def test_a_line_is_searched_as_far_as_dpvs_writes_one() -> None:
    words = "EAL: Cannot get hugepage information."
    (within,) = diagnose([f"{words}{'.' * 10_000}"])
    assert len(within.line) <= LONGEST_LINE
    assert not diagnose([f"{'.' * LONGEST_LINE}{words}"])


SAMPLES = """
  Cause: Cannot init mbuf pool on socket 1
failed to init tc: no memory
failed to init vlan: failed dpdk api
USER1: rte_ip_frag_table_create: allocation of 335 bytes at socket 0 failed
MSGMGR: sockopt_register: socket msg type already exist
EAL: No free 2048 kB hugepages reported on node 1
EAL: Cannot get hugepage information.
EAL: 1 hugepages of size 1073741824 reserved, but no mounted hugetlbfs found for that size
Invalid EAL parameters
No dpdk ports found!
ports in DPDK RTE (2) != ports in dpvs.conf(1)
[netif_lcore_init] bad lcore configuration (err=-4), exit ...
netif_lcore_init: lcore_index_init failed (cause: none eal lcore), exit ...
netif_port_start: dpdk0 supports 1 rx-queues and 1 tx-queues at max, but 2 rx-queues and 2 ...
add KNI port fail, exiting...
Kni: virtio_kni_alloc: virtio_kni hotplug_add failed: -1
DPVS_MAX_SOCKET is smaller than system numa nodes!
dpvs is already running
The current DPVS requires dpdk-stable-24.11 or higher. Try old releases if ...
Signal 11 received, preparing to exit...
CFG_FILE: not supported keyword -- fdir
CFG_FILE: Fail to open configuration file '/etc/dpvs.conf': Permission denied.
NETIF: netif_port_start: fail to bring up dpdk0
DPVS: Start dpdk0 failed, skipping ...
NETIF: netif_port_start: no queues to setup for dpdk0
NETIF: dpdk0: rx-queues configured in workers (2) != rx-queues configured in device (1), setup 2
NETIF: rte_flow_validate on dpdk0 failed -- 4, Not support priority.
FLOW: adding tcp sapool flow failed: dpdk0 ip 192.168.229.204
SAPOOL: sa4_fetch: fetch addr on IP without sapool.
NEIGHBOUR: [neigh_send_arp] no source ip
MSGMGR: msg@0x1, mcq(type:1) timeout(2000 us), drop...
IPVS: dp_vs_schedule: no dest found.
IPVS: dp_vs_conn_alloc: no memory for connection
IPVS: TOA add failed(no room)
IPVS: insert proxy protocol fail: -2
NETIF: Ethdev port_id=0 invalid rss_hf: 0x3afbc, valid value: 0x0
linux_set_if_mac: fail to set dpdk0.kni's MAC address: Timer expired
NETIF: pktmbuf pool changed from 0 to 1, please disable tx_mbuf_fast_free
[dpvs_getsockopt] scoket msg connection error: Connection refused
DPVS: netif port of portid 2 not found, likely kni portid, skip ...
NETIF: netif_mask_fdir_filter: Fail to fetch fdir info of dpdk0.100 !
dpvs was ended by signal SIGILL; its last output is above
dpvs was ended by signal SIGSEGV; its last output is above
dpvs[4120]: segfault at 0 ip 0000000000874eaa sp 00007ff1 error 4 in dpvs
Segmentation fault (core dumped)
toa: version magic '5.4.0 SMP' should be '6.1.0 SMP'
RIP: 0010:toa_init+0x29d/0x1000 [toa]
BUG: unable to handle kernel paging request at ffffffffa58a15b8
IFA: [02] ifa_entry_add: add ifaddr 192.0.2.87 failed -- no resource
IFA: add fd00:2:3::10 in ifa_add_set failed
[sockopt_msg_recv] errcode set in socket msg#400 header: failed dpdk api(-11)
ice_flow_create(): Failed to create flow
NETIF: fail to flush FDIR filters for device dpdk0
NETIF: kni_send2kern_loop: fail to send pkts to kni
NETIF: netif_port_start: fail to config dpdk0
virtio_dev_configure(): Unsupported Rx multi queue mode 1
NETIF: [netif_port_start] port dpdk0: failed to setup tx queue -22
NETIF: dpdk0: rte_eth_dev_start failed
EAL: Requested device 0000:01:00.1 cannot be used
mlx5_pci: no Verbs device matches PCI device 0000:02:00.0, are kernel drivers loaded?
EAL: Error enabling interrupts for fd 22 (Input/output error)
EAL: Cannot create lock on '/var/run/dpdk/rte/config'. Is another primary process running?
EAL: FATAL: Cannot use IOVA as 'PA' since physical addresses are not available
EAL: lcore 8 unavailable
EAL: No available 1048576 kB hugepages reported
IPVS: dp_vs_new_stats: no memory
NEIGHBOUR: [neigh_resolve_output] arp_unres_queue is full, drop packet
KNI: Update maddr of dpdk0 Failed !
Kni: kni_add_dev: fail to set mac 00:00:00:00:00:00 for bond1.kni: Cannot assign requested address
IPVS: dp_vs_synproxy_ack_rcv: syncookie check failed
ip_vs_get_conns: got errcode -24 from dpvs_getsockopt
NETIF: dpdk_set_mc_list: rte_eth_dev_set_mc_addr_list is not supported, enable all multicast.
""".strip("\n").split("\n")


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.pattern.pattern)
def test_every_signature_has_a_line_that_it_knows(signature: Signature) -> None:
    known = [line for line in SAMPLES if signature.pattern.search(line)]
    assert known, "no sample for this signature"
    findings = [one for one in diagnose(known, normal=True) if one.cause == signature.cause]
    assert known[0].strip() in [finding.line for finding in findings]
    for finding in findings:
        assert not re.search(r"\{\w+\}", finding.meaning), finding.meaning


def test_every_sample_is_known() -> None:
    for line in SAMPLES:
        assert diagnose([line], normal=True), line


def test_a_lip_of_two_services_is_no_finding() -> None:
    """What ipvsadm prints when a LIP is added to a second service, which is right."""
    assert (
        diagnose(["IFA: [00] ifa_entry_add: add ifaddr 10.0.0.100 failed -- already exist"]) == []
    )
    line = "[sockopt_msg_recv] errcode set in socket msg#47 header: already exist(-3)"
    assert diagnose([line]) == []


def test_normal_lines_are_left_out_unless_asked_for() -> None:
    line = "DPVS: netif port of portid 2 not found, likely kni portid, skip ..."
    assert diagnose([line]) == []
    assert [finding.severity for finding in diagnose([line], normal=True)] == ["normal"]


@settings(max_examples=50, deadline=None, database=None)
@given(st.text())
def test_any_text_is_a_log(text: str) -> None:
    parse_log(text)
    read_start(text)
    diagnose(text.split("\n"))
