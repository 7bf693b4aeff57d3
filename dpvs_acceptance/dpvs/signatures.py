"""Known lines of DPVS's log and stdout with their meaning: data for diagnosis.py.

From DPVS's sources (`source`: file and line in v1.10.2) and from upstream's issues (numbers). Only
lines of a default build: for example, there is none for a FullNAT service without a LIP, since that
needs CONFIG_DPVS_IPVS_DEBUG.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "error", "warning", "normal"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One known line. `meaning` may use the groups of the pattern, {1} {2} ...

    severity: fatal (dpvs exits), error (something does not work), warning (may not work), normal
    (looks like an error but is not).
    """

    pattern: re.Pattern[str]
    severity: Severity
    meaning: str
    cause: str
    look_at: str
    source: str


def _row(
    pattern: str, severity: Severity, meaning: str, cause: str, look_at: str, source: str
) -> Signature:
    return Signature(re.compile(pattern), severity, meaning, cause, look_at, source)


_MEMORY = "too few hugepages on at least one NUMA node: DPVS allocates its pools on every node"
_LOOK_MEMORY = (
    "free_hugepages of every /sys/devices/system/node/node*/hugepages; pktpool_size (about 2.4 KiB "
    "each, per node) and conn_pool_size of dpvs.conf"
)
_LOOK_CONF = "worker_defs of dpvs.conf: queue ids and ports of every worker"

LCORE_ERRORS = {
    -1: "a cpu_id is not an lcore of EAL",
    -2: "a receive queue is assigned to two workers",
    -3: "a transmit queue is assigned to two workers",
    -4: "the queue ids of a port are not contiguous from 0",
    -5: "a worker lists more ports than exist",
    -6: "a worker lacks a port that others have, or a transmit queue",
    -7: "no worker has a port",
}
"""Meaning of the number of `bad lcore configuration` (check_lcore_conf in netif.c)."""

SIGNATURES: tuple[Signature, ...] = (
    _row(
        r"Cannot init mbuf pool on socket (\d+)",
        "fatal",
        "no memory for the packet buffers of NUMA node {1}",
        _MEMORY,
        _LOOK_MEMORY,
        "netif.c:1112, #823 #77 #69",
    ),
    _row(
        r"[Ff]ail(?:ed)? to init ([\w ]+): no memory",
        "fatal",
        "no memory for DPVS's module {1}",
        _MEMORY,
        _LOOK_MEMORY,
        "main.c:139, #100 #25 #749 #797",
    ),
    _row(
        r"[Ff]ail(?:ed)? to init ([\w ]+): (?!no memory)(.*)",
        "fatal",
        "DPVS's module {1} did not start: {2}",
        "see the lines before this one",
        "the log lines before it",
        "main.c:139",
    ),
    _row(
        r"rte_ip_frag_table_create: allocation of .* failed",
        "fatal",
        "no memory for the fragment table",
        _MEMORY,
        _LOOK_MEMORY,
        "#749 #797",
    ),
    _row(
        r"sockopt_register.*already exist|socko?pt type already exist",
        "error",
        "a control message could not be registered",
        "misleading: logged when memory runs out during the start",
        _LOOK_MEMORY,
        "#160",
    ),
    _row(
        r"No free (\d+) kB hugepages reported on node (\d+)",
        "warning",
        "node {2} has no free hugepages of {1} kB",
        "none reserved there, or used by another process; harmless for a size that is not used",
        _LOOK_MEMORY,
        "EAL",
    ),
    _row(
        r"Cannot get hugepage information",
        "fatal",
        "there are no hugepages",
        "none reserved, or hugetlbfs not mounted",
        "nr_hugepages of every node; `mount -t hugetlbfs`",
        "EAL, #222 #62",
    ),
    _row(
        r"hugepages of size (\d+) reserved, but no mounted hugetlbfs found",
        "warning",
        "hugepages of {1} bytes are reserved but not mounted",
        "no hugetlbfs of that page size; harmless if another size is used",
        "`mount -t hugetlbfs`",
        "EAL, #222",
    ),
    _row(
        r"Invalid EAL parameters",
        "fatal",
        "DPDK did not start",
        "see the EAL lines before this one",
        "the EAL lines before it, and what follows `--` on dpvs's command line",
        "main.c:328",
    ),
    _row(
        r"No dpdk ports found",
        "fatal",
        "DPDK finds no port",
        "no NIC is bound to a DPDK driver, or the driver is not in this build",
        "dpdk-devbind.py --status: each NIC under `DPDK-compatible driver`",
        "netif.c:4385, #222 #369 #624",
    ),
    _row(
        r"ports in DPDK RTE \((\d+)\) != ports in dpvs\.conf\s*\((\d+)\)",
        "fatal",
        "DPDK has {1} ports, but dpvs.conf has {2}",
        "one bound NIC too many, a missing device block, or dpvs.conf not found (0 ports)",
        "dpdk-devbind.py --status against the device blocks of dpvs.conf; the path given with -c",
        "netif.c:4390",
    ),
    _row(
        r"bad lcore configuration \((?:err|error code)[=:] ?(-\d+)\)",
        "fatal",
        "the assignment of workers and queues is inconsistent (error {1}): {lcore}",
        "worker_defs of dpvs.conf, or more device blocks than bound NICs",
        _LOOK_CONF,
        "netif.c:2763, #464 #240 #361 #854",
    ),
    _row(
        r"lcore_index_init failed",
        "fatal",
        "a worker's cpu_id is not an lcore of this dpvs",
        "EAL was started with other lcores (-l, --lcores) than in worker_defs",
        "the lcores on dpvs's command line against the cpu_id lines of dpvs.conf",
        "netif.c:2768",
    ),
    _row(
        r"(\S+) supports (\d+) rx-queues and (\d+) tx-queues at max",
        "fatal",
        "{1} has only {2} receive and {3} transmit queues",
        "more workers than the NIC has queues",
        _LOOK_CONF,
        "netif.c:3974",
    ),
    _row(
        r"add KNI port fail",
        "fatal",
        "a kni device could not be created",
        "rte_kni not loaded (up to 1.9), /dev/vhost-net or /dev/net/tun missing (1.10)",
        "lsmod, ls -l /dev/vhost-net /dev/net/tun; or `<init> kni off` (1.9.4 and later)",
        "netif.c:4431, #16 #220",
    ),
    _row(
        r"virtio_kni hotplug_add failed: (-?\d+)",
        "error",
        "a virtio-user kni device could not be created ({1})",
        "/dev/vhost-net is missing or cannot be opened",
        "lsmod | grep vhost_net; ls -l /dev/vhost-net",
        "kni.c:106",
    ),
    _row(
        r"DPVS_MAX_SOCKET is smaller",
        "fatal",
        "the machine has more NUMA nodes than this build supports",
        "CONFIG_DPVS_MAX_SOCKET of the build",
        "ls -d /sys/devices/system/node/node*; config.mk of the build",
        "main.c:319, #224",
    ),
    _row(
        r"(?:dpvs|daemon) is already running",
        "fatal",
        "the pid file has the id of a running process",
        "another dpvs is running, or the file is stale and its id belongs to another process",
        "the pid file, and the process with that id",
        "main.c:306, #740",
    ),
    _row(
        r"The current DPVS requires (\S+) or higher",
        "fatal",
        "this DPVS requires {1}",
        "built against an older DPDK",
        "pkg-config --modversion libdpdk on the build host",
        "main.c:60",
    ),
    _row(
        r"Signal (\d+) received, preparing to exit",
        "fatal",
        "dpvs crashed with signal {1}",
        "unknown; possibly more than 64 CPUs without -l before 1.9.8, or too little memory",
        "dmesg for `segfault` and lcore threads",
        "log.c, #991 #828 #929",
    ),
    _row(
        r"not supported keyword -- (\S+)",
        "error",
        "this build does not support {1} in dpvs.conf",
        "a keyword of another version or of a build option; if it opens a block, the closing brace "
        "ends the enclosing block, and the rest is ignored",
        "the dpvs.conf of this version: conf/dpvs.conf.items of its sources",
        "parser.c",
    ),
    _row(
        r"[Ff]ail to open configuration file '([^']*)': (.*)",
        "error",
        "{1} cannot be read: {2}",
        "wrong path after -c, or wrong owner",
        "ls -l of that path",
        "parser.c",
    ),
    _row(
        r"fail to bring up (\S+)",
        "error",
        "{1} has no link",
        "no cable, no SFP, switch port down; DPVS waits 30 s and continues without it",
        "cable, switch; then `dpip -s link show`: ipackets must increase",
        "netif.c:4075, #65 #241 #431",
    ),
    _row(
        r"Start (\S+) failed, skipping",
        "error",
        "{1} was not started; DPVS runs without it",
        "see the lines before; `dpip link show` may still say UP",
        "the log lines about the port before this one",
        "main.c:352, #811",
    ),
    _row(
        r"no queues to setup for (\S+)",
        "error",
        "no worker has a queue of {1}",
        "the port is in no worker block",
        _LOOK_CONF,
        "netif.c:3967",
    ),
    _row(
        r"rx-queues configured in workers \((\d+)\) != rx-queues configured in device \((\d+)\)",
        "warning",
        "the workers list {1} receive queues of a port with queue_number {2}; {1} are set up",
        "queue_number of the device was not adapted to the workers",
        _LOOK_CONF,
        "netif.c:3830",
    ),
    _row(
        r"rte_flow_(validate|create) on (\S+) failed -- (\d+), (.*)",
        "error",
        "{2} cannot steer packets: rte_flow {1} failed with {4} ({3})",
        "the NIC or driver does not support these flow rules: with several workers, FullNAT works "
        "only sometimes",
        "one worker and `sa_pool flow_enable off`, or `conn redirect on`, or another NIC",
        "netif_flow.c:81, #56 #63 #73 #433 #738 #767",
    ),
    _row(
        r"adding (tcp|udp) sapool flow failed",
        "error",
        "the {1} rule that steers packets of a LIP to their worker was refused",
        "as for rte_flow: NIC or driver",
        "one worker and `sa_pool flow_enable off`",
        "netif_flow.c:352",
    ),
    _row(
        r"fetch addr on IP without sapool",
        "error",
        "a LIP has no pool of source ports",
        "added with `dpip addr add` instead of `ipvsadm --add-laddr`",
        "dpip -s addr show: the LIP needs sa_free above 0",
        "sa_pool.c:487, #861",
    ),
    _row(
        r"no source ip",
        "error",
        "the MAC of a neighbour cannot be resolved",
        "the port has no address in the neighbour's network",
        "dpip addr show, dpip route show, dpip neigh show (mac:incomplate)",
        "neigh.c:479, #276 #986",
    ),
    _row(
        r"timeout\((\d+) us\), drop",
        "warning",
        "a worker did not answer the control plane within {1} us",
        "overload, too many or too long polls; sync_msg_timeout_us too small",
        "ctrl_defs/lcore_msg/sync_msg_timeout_us; `dpip -s link show cpu`",
        "ctrl.c:520, #225 #95 #156",
    ),
    _row(
        r"no dest found",
        "warning",
        "a service had no real server for a packet",
        "all real servers down, inhibited or of weight 0",
        "ipvsadm -ln",
        "ip_vs_core.c:299",
    ),
    _row(
        r"no memory for connection",
        "error",
        "the connection pool is exhausted",
        "a flood, a leak, or conn_pool_size too small",
        "conn_pool_size; `ipvsadm -lnc | wc -l`",
        "ip_vs_conn.c:99, #446 #111",
    ),
    _row(
        r"TOA add failed\(",
        "warning",
        "the client's address did not fit into a packet",
        "the client uses most of the TCP option space, or the packet would exceed the MTU",
        "TCP options of that client's packets",
        "ip_vs_proto_tcp.c:939, #957",
    ),
    _row(
        r"insert proxy protocol fail",
        "warning",
        "the proxy protocol header could not be inserted",
        "MTU, or not the first packet",
        "the capture at the real server",
        "ip_vs_proto_tcp.c:920",
    ),
    _row(
        r"invalid (rss_hf|rx_offload|tx_offload): (0x[0-9a-f]+), valid value: (0x[0-9a-f]+)",
        "warning",
        "the NIC lacks part of {1}; DPVS continues without",
        "a NIC or driver with fewer offloads",
        "checksums in captures at client and real server",
        "netif.c:3772",
    ),
    _row(
        r"fail to set (\S+)'s MAC address: Timer expired",
        "warning",
        "the kernel was slow to set the MAC of {1}",
        "usually harmless, unless the kni does not work",
        "carrier of the kni, and a ping to its address",
        "#503 #641 #811",
    ),
    _row(
        r"pktmbuf pool changed .* please disable tx_mbuf_fast_free",
        "error",
        "packet buffers of one NUMA node are freed on another",
        "ports of two NUMA nodes with mbuf_fast_free on",
        "`mbuf_fast_free off` in the tx block of each device",
        "netif.c:2346",
    ),
    _row(
        r"scoket msg connection error: (.*)",
        "error",
        "a tool could not connect to dpvs: {1}",
        "dpvs is not running (yet), or tool and dpvs are of two builds with different socket paths",
        "the pid file; the socket: /var/run/dpvs_ctrl up to 1.9.2, /var/run/dpvs.ipc after",
        "#822 #94",
    ),
    _row(
        r"likely kni portid, skip",
        "normal",
        "the port of a kni is skipped",
        "normal from 1.10 on",
        "nothing",
        "main.c:346",
    ),
    _row(
        r"Fail to fetch fdir info of (\S+)",
        "normal",
        "{1} has no hardware filters",
        "normal up to 1.8 for VLAN, bonding and IPv6 pseudo devices",
        "nothing",
        "#465 #507",
    ),
)
