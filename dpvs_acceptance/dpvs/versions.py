"""DPVS versions, and the table of all differences between them.

From `git diff` between upstream's release tags; if release notes and tags disagree, the tag counts.
The list of dpvs.conf keywords at the end is from the install_keyword() calls of each release tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

_Value = TypeVar("_Value")
KeywordPath = tuple[str, ...]
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})[.-]([0-9]{1,4})")


class UnknownVersionError(ValueError):
    """Not a DPVS version, or older than the oldest one in the table."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A DPVS release. `dpvs -v` prints 1.10-2, tags are 1.10.2; both are equal here."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """`1.10-2`, `1.10.2` or `v1.10.2`; raises UnknownVersionError."""
        found = _VERSION.fullmatch(text.strip())
        if found is None:
            raise UnknownVersionError(
                f"{text!r} is not a DPVS version: expected a form like 1.10.2 or 1.10-2"
            )
        return cls(int(found[1]), int(found[2]), int(found[3]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def dashed(self) -> str:
        """As printed by `dpvs -v` and `dpip -V`: 1.10-2."""
        return f"{self.major}.{self.minor}-{self.patch}"


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """Properties of one version, from `facts()`; every field is one row of the table."""

    version: Version
    """The version."""

    keywords: frozenset[KeywordPath]
    """Paths of all keywords of dpvs.conf, such as ("global_defs", "kni")."""

    dpdk: str
    """The DPDK release of this version; 1.10 panics with an older one (main.c)."""

    pid_file: str
    """Default path of the pid file."""

    ipc_path: str
    """Default path of the unix socket between dpvs and its tools."""

    daemon_paths: bool
    """dpvs has the options -c CONF, -p PIDFILE and -x SOCKET."""

    main_lcore_option: str
    """EAL's option for the lcore of the control plane."""

    allow_option: str
    """EAL's option that allows one PCI device."""

    worker_thread: str
    """Name of a worker thread in /proc/PID/task/*/comm; `{}`: the lcore id."""

    kni_kind: Literal["rte_kni", "virtio-user"]
    """How kni devices are created: the rte_kni module, or virtio-user with /dev/vhost-net."""

    toa_on_syn: bool
    """TOA is also on the SYN towards the real server, not only on later packets."""

    toa_on_fin: bool
    """TOA is on a client's FIN that acknowledges no data of the real server (PR#666)."""

    toa_prunes: bool
    """Other options are removed if TOA does not fit; before, TOA was silently omitted."""

    synproxy_closes_window: bool
    """SYN-ACKs of SYN proxy always have window 0; later only with close_client_window."""

    synproxy_sack: bool
    """SYN proxy offers SACK by default."""

    server_port_copied: bool
    """`ipvsadm -a -r ADDR` without a port takes the service's port; later it stays 0."""

    ipvsadm_reports_version: bool
    """The header of `ipvsadm -ln` has DPVS's version; before, 0.0.0."""

    dpip_reports_version: bool
    """`dpip -V` prints DPVS's version; before, dpip-v1.0.0."""

    proxy_protocol: bool
    """Services support the proxy protocol."""

    route_tos_and_outwall: bool
    """`dpip route` supports tos and `table outwall`; later it always prints `tos 0`."""

    route_flush: str
    """The syntax of `dpip route flush`; `{}`: the device."""

    verbose_link_stats: bool
    """`dpip -s -v link show` is answered from a block that is large enough. Before that it is not
    asked: the answer overwrites memory of the running DPVS."""

    lldp: bool
    """`dpip link show` has the flag lldp, and dpvs.conf the keyword."""

    missing_service_status: int
    """Exit status of `ipvsadm -G` for an unknown service."""

    def has_keyword(self, path: str) -> bool:
        """Whether dpvs.conf has the keyword, e.g. `global_defs/kni`."""
        return tuple(path.split("/")) in self.keywords


OLDEST = Version(1, 8, 0)
EVER, NEVER = Version(0, 0, 0), Version(9999, 0, 0)
"""Open ends of a range of versions."""


@lru_cache(maxsize=64)
def facts(version: Version) -> VersionFacts:
    """The properties of `version`; a newer version than in the table gets the newest ones.

    Raises UnknownVersionError for versions before 1.8.
    """
    if version < OLDEST:
        raise UnknownVersionError(
            f"DPVS {version} is older than {OLDEST}, the oldest version that this suite supports"
        )

    def since(first: _Value, *changes: tuple[str, _Value]) -> _Value:
        """`first`, then each change's value from its version on."""
        value = first
        for at, changed in changes:
            if version >= Version.parse(at):
                value = changed
        return value

    return VersionFacts(
        version=version,
        keywords=frozenset(
            path
            for path, spans in KEYWORDS.items()
            if any(version >= since and version < before for since, before in spans)
        ),
        missing_service_status=since(255, ("1.9.0", 1)),
        dpdk=since("18.11.2", ("1.9.0", "20.11.1"), ("1.9.8", "20.11.10"), ("1.10.0", "24.11")),
        pid_file="/var/run/dpvs.pid",
        ipc_path=since("/var/run/dpvs_ctrl", ("1.9.4", "/var/run/dpvs.ipc")),
        daemon_paths=since(False, ("1.9.4", True)),
        main_lcore_option=since("--master-lcore", ("1.9.0", "--main-lcore")),
        allow_option=since("-w", ("1.9.0", "-a")),
        worker_thread=since(
            "lcore-slave-{}", ("1.9.0", "lcore-worker-{}"), ("1.10.0", "dpdk-worker{}")
        ),
        kni_kind="virtio-user" if version >= Version(1, 10, 0) else "rte_kni",
        toa_on_syn=since(True, ("1.9.6", False)),
        toa_on_fin=since(False, ("1.8.8", True)),
        toa_prunes=since(False, ("1.9.6", True)),
        synproxy_closes_window=since(True, ("1.9.2", False)),
        synproxy_sack=since(False, ("1.9.6", True)),
        server_port_copied=since(True, ("1.9.4", False)),
        ipvsadm_reports_version=since(False, ("1.9.4", True)),
        # 1.8.12 is newer than 1.9.0 and has the change of 1.9.2.
        dpip_reports_version=since(False, ("1.8.12", True), ("1.9.0", False), ("1.9.2", True)),
        proxy_protocol=since(False, ("1.9.6", True)),
        route_tos_and_outwall=since(True, ("1.9.6", False)),
        route_flush=since("route flush", ("1.9.10", "route flush dev {}")),
        verbose_link_stats=since(False, ("1.9.8", True)),
        lldp=since(False, ("1.9.8", True)),
    )


# One path per line, followed by the versions that have it: `from-`, `-before` or `from-before`;
# none means all versions. 1.8.12 is newer than 1.9.0, so some keywords have two ranges.
_KEYWORDS = """
global_defs
global_defs/log_level
global_defs/log_file
global_defs/log_async_mode
global_defs/log_async_pool_size             1.9.2-
global_defs/log_with_timestamp              1.9.2-
global_defs/pdump                           1.8.8-
global_defs/kni                             1.9.4-
global_defs/lldp                            1.9.8-
netif_defs
netif_defs/pktpool_size
netif_defs/pktpool_cache
netif_defs/fdir_mode                        1.9.0-
netif_defs/device
netif_defs/device/rx
netif_defs/device/rx/queue_number
netif_defs/device/rx/descriptor_number
netif_defs/device/rx/rss
netif_defs/device/tx
netif_defs/device/tx/queue_number
netif_defs/device/tx/descriptor_number
netif_defs/device/tx/mbuf_fast_free         1.9.10-
netif_defs/device/fdir                      -1.9.0
netif_defs/device/fdir/filter               1.8.8-1.9.0
netif_defs/device/fdir/mode                 -1.9.0
netif_defs/device/fdir/pballoc              -1.9.0
netif_defs/device/fdir/status               -1.9.0
netif_defs/device/promisc_mode
netif_defs/device/allmulticast              1.9.6-
netif_defs/device/mtu                       1.8.10-
netif_defs/device/kni_name
netif_defs/bonding
netif_defs/bonding/mode
netif_defs/bonding/slave
netif_defs/bonding/primary
netif_defs/bonding/kni_name
netif_defs/bonding/options                  1.8.12-
netif_defs/bonding/numa_node                1.9.0-
worker_defs
worker_defs/worker
worker_defs/worker/type
worker_defs/worker/cpu_id
worker_defs/worker/icmp_redirect_core       1.8.10-
worker_defs/worker/port
worker_defs/worker/port/rx_queue_ids
worker_defs/worker/port/tx_queue_ids
worker_defs/worker/port/isol_rx_cpu_ids
worker_defs/worker/port/isol_rxq_ring_sz
timer_defs
timer_defs/schedule_interval
neigh_defs
neigh_defs/unres_queue_length
neigh_defs/timeout
sa_pool
sa_pool/pool_hash_size
sa_pool/flow_enable                         1.9.0-
ipset_defs                                  1.8.12-1.9.0 1.9.2-
ipset_defs/ipset_hash_pool_size             1.8.12-1.9.0 1.9.2-
ipv4_defs
ipv4_defs/default_ttl
ipv4_defs/forwarding
ipv4_defs/fragment
ipv4_defs/fragment/bucket_number
ipv4_defs/fragment/bucket_entries
ipv4_defs/fragment/max_entries
ipv4_defs/fragment/ttl
ipv6_defs
ipv6_defs/forwarding
ipv6_defs/disable
ipv6_defs/addr_gen_mode                     1.9.8-
ipv6_defs/stable_secret                     1.9.8-
ipv6_defs/route6
ipv6_defs/route6/method
ipv6_defs/route6/recycle_time
ipv6_defs/route6/lpm
ipv6_defs/route6/lpm/lpm6_max_rules
ipv6_defs/route6/lpm/lpm6_num_tbl8s
ipv6_defs/route6/lpm/rt6_array_size         -1.9.10
ipv6_defs/route6/lpm/rt6_hash_bucket
ctrl_defs
ctrl_defs/lcore_msg
ctrl_defs/lcore_msg/ring_size
ctrl_defs/lcore_msg/sync_msg_timeout_us
ctrl_defs/lcore_msg/priority_level
ctrl_defs/ipc_msg                           -1.9.6
ctrl_defs/ipc_msg/unix_domain               -1.9.6
ipvs_defs
ipvs_defs/conn
ipvs_defs/conn/conn_pool_size
ipvs_defs/conn/conn_pool_cache
ipvs_defs/conn/conn_init_timeout
ipvs_defs/conn/expire_quiescent_template
ipvs_defs/conn/redirect
ipvs_defs/conn/fast_xmit_close
ipvs_defs/conn/xmit_ttl
ipvs_defs/tcp
ipvs_defs/tcp/defence_tcp_drop
ipvs_defs/tcp/timeout
ipvs_defs/tcp/timeout/none
ipvs_defs/tcp/timeout/established
ipvs_defs/tcp/timeout/syn_sent
ipvs_defs/tcp/timeout/syn_recv
ipvs_defs/tcp/timeout/fin_wait
ipvs_defs/tcp/timeout/time_wait
ipvs_defs/tcp/timeout/close
ipvs_defs/tcp/timeout/close_wait
ipvs_defs/tcp/timeout/last_ack
ipvs_defs/tcp/timeout/listen
ipvs_defs/tcp/timeout/synack
ipvs_defs/tcp/timeout/last
ipvs_defs/tcp/synproxy
ipvs_defs/tcp/synproxy/synack_options
ipvs_defs/tcp/synproxy/synack_options/mss
ipvs_defs/tcp/synproxy/synack_options/ttl
ipvs_defs/tcp/synproxy/synack_options/sack
ipvs_defs/tcp/synproxy/synack_options/wscale
ipvs_defs/tcp/synproxy/synack_options/timestamp
ipvs_defs/tcp/synproxy/close_client_window  1.9.2-
ipvs_defs/tcp/synproxy/defer_rs_syn
ipvs_defs/tcp/synproxy/rs_syn_max_retry
ipvs_defs/tcp/synproxy/ack_storm_thresh
ipvs_defs/tcp/synproxy/max_ack_saved
ipvs_defs/tcp/synproxy/conn_reuse_state
ipvs_defs/tcp/synproxy/conn_reuse_state/close
ipvs_defs/tcp/synproxy/conn_reuse_state/time_wait
ipvs_defs/tcp/synproxy/conn_reuse_state/fin_wait
ipvs_defs/tcp/synproxy/conn_reuse_state/close_wait
ipvs_defs/tcp/synproxy/conn_reuse_state/last_ack
ipvs_defs/udp
ipvs_defs/udp/defence_udp_drop
ipvs_defs/udp/uoa_max_trail
ipvs_defs/udp/uoa_mode
ipvs_defs/udp/timeout
ipvs_defs/udp/timeout/oneway                1.9.6-
ipvs_defs/udp/timeout/normal
ipvs_defs/udp/timeout/last
"""


def _rows() -> dict[KeywordPath, tuple[tuple[Version, Version], ...]]:
    rows = {}
    for line in _KEYWORDS.split("\n"):
        if line.strip():
            path, *spans = line.split()
            rows[tuple(path.split("/"))] = tuple(_span(span) for span in spans or ["-"])
    return rows


def _span(text: str) -> tuple[Version, Version]:
    since, _, before = text.partition("-")
    return Version.parse(since) if since else EVER, Version.parse(before) if before else NEVER


KEYWORDS = _rows()
"""Keyword of dpvs.conf to the spans of versions that have it: since, and before."""
