"""Which keywords dpvs.conf has, by version (install_keyword() calls of each release tag)."""

from __future__ import annotations

from functools import lru_cache

from dpvs_acceptance.dpvs.versions import Version

Path = tuple[str, ...]

# One path per line; after it the versions that have it, `from-` or `-before` or `from-before`, all
# of them where nothing is said. Lists of versions are by number: 1.8.12 is younger than 1.9.0.
_TABLE = """
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


def _rows() -> dict[Path, tuple[tuple[Version | None, Version | None], ...]]:
    rows = {}
    for line in _TABLE.split("\n"):
        if line.strip():
            path, *spans = line.split()
            rows[tuple(path.split("/"))] = tuple(_span(span) for span in spans or ["-"])
    return rows


def _span(text: str) -> tuple[Version | None, Version | None]:
    since, _, before = text.partition("-")
    return (
        Version.parse(since) if since else None,
        Version.parse(before) if before else None,
    )


_ROWS = _rows()
_BLOCKS = frozenset(path[:-1] for path in _ROWS if len(path) > 1)


@lru_cache(maxsize=64)
def known_keywords(version: Version) -> frozenset[Path]:
    """Paths of all keywords that `version` knows, e.g. ("global_defs", "kni")."""
    return frozenset(
        path
        for path, spans in _ROWS.items()
        if any(
            (since is None or version >= since) and (before is None or version < before)
            for since, before in spans
        )
    )


def is_block(path: Path) -> bool:
    """Whether DPVS reads what follows this keyword as its block, whatever its braces."""
    return path in _BLOCKS


def versions_with(path: Path) -> str:
    """In words: `1.9.4 and later`; `no version` for a keyword that is none."""
    spans = _ROWS.get(path)
    if spans is None:
        return "no version"
    words = []
    for since, before in spans:
        if since is None and before is None:
            words.append("every version")
        elif before is None:
            words.append(f"{since} and later")
        elif since is None:
            words.append(f"versions before {before}")
        else:
            words.append(f"{since} to before {before}")
    return ", ".join(words)
