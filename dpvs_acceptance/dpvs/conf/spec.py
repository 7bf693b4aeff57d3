"""What this project says in a dpvs.conf, and reads from one.

Defaults are DPVS's own: a block that leaves a keyword out reads as the default.
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
    """A `device` block. Queue numbers are what the driver is asked for at most: how many queues a
    port really gets is what the workers list. rss: one of RSS, or several joined by |.
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
class PortQueues:
    """The queues of one port that a worker serves."""

    port: str
    rx: tuple[int, ...] = ()
    tx: tuple[int, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """A `worker` block. cpu_id: id of an EAL lcore, not of a processor."""

    name: str
    type: WorkerType
    cpu_id: int
    ports: tuple[PortQueues, ...] = ()
    icmp_redirect: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TcpTimeouts:
    """Seconds that a TCP connection lives in each state without packets."""

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
    """The same for UDP. oneway (no answer yet) exists from 1.9.6 on, and is not written before."""

    oneway: int = 300
    normal: int = 300
    last: int = 3


@dataclass(frozen=True, slots=True)
class ConfSpec:
    """A dpvs.conf.

    log_level, log_file: None: DPVS's own (syslog).
    pktpool_size: packet buffers per NUMA node; conn_pool_size: connections.
    sa_pool_flow: whether flow rules of the NIC bring a LIP's packets to their worker; a NIC that
        has none needs it off, and one worker. Up to 1.8 each device says it (fdir/filter).
    uoa_max_trail: how many packets of a UDP flow carry the client's address; 0: none.
    unix_domain: the control socket, which dpvs.conf names up to 1.9.4 (dpvs -x does from then on).
    msg_timeout_us: how long the control plane waits for a worker's answer.
    """

    log_level: str | None = None
    log_file: str | None = None
    devices: tuple[DeviceSpec, ...] = ()
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
