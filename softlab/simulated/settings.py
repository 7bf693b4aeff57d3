"""What of the configuration the data path needs, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from softlab.simulated import tcpstates


@dataclass(frozen=True, slots=True)
class Settings:
    """Lcores, pools and timeouts (seconds) of one run."""

    master: int = 0
    workers: tuple[int, ...] = (1,)
    kni_core: int | None = None
    icmp_core: int | None = None
    flow_enable: bool = True
    redirect: bool = False
    pool_hash_size: int = 16
    neighbour_timeout: int = 60
    neighbour_queue: int = 128
    uoa_mode: str = "opp"
    uoa_max_trail: int = 3
    fast_xmit: bool = True
    defence_tcp: bool = False
    defence_udp: bool = False
    ipv6_disabled: bool = False
    kni: bool = False
    lldp: bool = False
    forwarding: bool = False
    default_ttl: int = 64
    pktpool_size: int = 65535
    conn_pool_size: int = 65535
    timeouts: dict[str, int] = field(default_factory=lambda: dict(tcpstates.DEFAULT_TIMEOUTS))
