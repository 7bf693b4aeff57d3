"""The values of dpvs.conf that this project writes and reads.

Defaults are those of DPVS: a missing keyword has the default value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LOG_LEVELS = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
RSS = ("all", "ip", "tcp", "udp", "sctp", "ether", "port", "tunnel")
DEFAULT_MTU = 1500
WorkerType = Literal["master", "slave", "kni"]
UoaMode = Literal["opp", "ipo"]


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A `device` block. Queue numbers are upper limits: the workers' lists determine the number of
    queues. rss: one of RSS, or several joined by |.
    """

    name: str
    rx_queues: int | None = None
    tx_queues: int | None = None
    rx_desc: int = 256
    tx_desc: int = 512
    rss: str = "tcp"
    kni_name: str | None = None
    promisc: bool = False
    mtu: int = DEFAULT_MTU
    mbuf_fast_free: bool = True
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class BondSpec:
    """A `bonding` block: `members` and `primary` are names of devices.

    mode: DPDK's number, 0 to 6. primary None: the first member. dedicated_queues: of mode 4; None:
    DPVS's default, on. numa_node: from 1.9.0 on.
    """

    name: str
    mode: int = 0
    members: tuple[str, ...] = ()
    primary: str | None = None
    numa_node: int = 0
    dedicated_queues: bool | None = None
    kni_name: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class PortQueues:
    """The queues of one port that a worker serves."""

    port: str
    rx: tuple[int, ...] = ()
    tx: tuple[int, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """A `worker` block. cpu_id: id of an EAL lcore, not of a CPU."""

    name: str
    type: WorkerType
    cpu_id: int
    ports: tuple[PortQueues, ...] = ()
    icmp_redirect: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TcpTimeouts:
    """Timeout in seconds of a TCP connection in each state."""

    none: int = 2
    established: int = 90
    syn_sent: int = 3
    syn_recv: int = 30
    fin_wait: int = 7
    time_wait: int = 7
    close: int = 3
    close_wait: int = 7
    last_ack: int = 7
    listen: int = 120
    synack: int = 30
    last: int = 2


@dataclass(frozen=True, slots=True)
class UdpTimeouts:
    """The same for UDP. oneway (no answer yet): from 1.9.6 on."""

    oneway: int = 300
    normal: int = 300
    last: int = 3


@dataclass(frozen=True, slots=True)
class ConfSpec:
    """A dpvs.conf.

    log_level, log_file: None: DPVS's default (syslog).
    pktpool_size: packet buffers per NUMA node; conn_pool_size: connections.
    sa_pool_flow: whether flow rules of the NIC steer packets of a LIP to their worker; off for a
        NIC without flow rules, with one worker. Up to 1.8 a setting of each device (fdir/filter).
    uoa_max_trail: number of packets of a UDP flow with the client's address; 0: none.
    unix_domain: path of the control socket; up to 1.9.4 in dpvs.conf, later the option dpvs -x.
    msg_timeout_us: timeout of the control plane for a worker's answer.
    """

    log_level: str | None = None
    log_file: str | None = None
    devices: tuple[DeviceSpec, ...] = ()
    bonds: tuple[BondSpec, ...] = ()
    workers: tuple[WorkerSpec, ...] = ()
    pktpool_size: int = 65535
    pktpool_cache: int = 256
    conn_pool_size: int = 2097152
    conn_redirect: bool = False
    expire_quiescent_template: bool = False
    kni: bool = True
    lldp: bool = False
    sa_pool_flow: bool = True
    uoa_mode: UoaMode = "opp"
    uoa_max_trail: int = 3
    tcp_timeouts: TcpTimeouts = TcpTimeouts()
    udp_timeouts: UdpTimeouts = UdpTimeouts()
    ipv6: bool = True
    unix_domain: str | None = None
    msg_timeout_us: int = 2000
