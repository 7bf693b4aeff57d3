"""Which keywords of dpvs.conf a version knows, block by block."""

from __future__ import annotations

from softlab.simulated import confbonds, tcpstates
from softlab.simulated.confkeywords import (
    bonding,
    cpu,
    descriptors,
    device_keyword,
    fast_free,
    fdir,
    flag,
    icmp,
    kni_name,
    limited,
    log_file,
    log_level,
    mtu,
    pktpool_size,
    queue_ids,
    queues,
    ranged,
    role,
    rss,
    said,
    shown,
    switch,
    worker_keyword,
    worker_port,
)
from softlab.simulated.confmodules import (
    address_mode,
    conn_pool,
    disable6,
    flow_enable,
    pool_hash_size,
    priority,
    set_keyword,
    timeout,
    uoa_mode,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Tree
    from softlab.simulated.versions import Version


def _timeouts(proto: str, keywords: dict[str, str]) -> Tree:
    return {keyword: (timeout(proto, keyword, state), None) for keyword, state in keywords.items()}


def _synproxy(version: Version) -> Tree:
    reuse: Tree = {
        word: (said(f"synproxy_conn_reuse: {shown}", "IPVS"), None)
        for word, shown in (
            ("close", "CLOSE"),
            ("time_wait", "TIMEWAIT"),
            ("fin_wait", "FINWAIT"),
            ("close_wait", "CLOSEWAIT"),
            ("last_ack", "LASTACK"),
        )
    }
    words: Tree = {
        "synack_options": (
            None,
            {
                "mss": (shown("synack_mss", "IPVS"), None),
                "ttl": (shown("synack_ttl", "IPVS"), None),
                "sack": (said("synproxy_synack_options_sack ON", "IPVS"), None),
                "wscale": (shown("synproxy_synack_options_wscale", "IPVS"), None),
                "timestamp": (said("synproxy_synack_options_timestamp ON", "IPVS"), None),
            },
        ),
        "close_client_window": (said("close_client_window ON", "IPVS"), None),
        "defer_rs_syn": (said("defer_rs_syn ON", "IPVS"), None),
        "rs_syn_max_retry": (shown("rs_syn_max_retry", "IPVS"), None),
        "ack_storm_thresh": (shown("ack_storm_thresh", "IPVS"), None),
        "max_ack_saved": (shown("max_ack_saved", "IPVS"), None),
        "conn_reuse_state": (said("synproxy_conn_reuse ON", "IPVS"), reuse),
    }
    if version.device_fdir:
        del words["close_client_window"]
    return words


def _device_tree(version: Version) -> Tree:
    below: Tree = {
        "rx": (
            None,
            {
                "queue_number": (queues("rx_queues", "rx_queue_number", "WARNING"), None),
                "descriptor_number": (descriptors("rx_descriptors", "nb_rx_desc", 256), None),
                "rss": (rss, None),
            },
        ),
        "tx": (
            None,
            {
                "queue_number": (queues("tx_queues", "tx_queue_number", "INFO"), None),
                "descriptor_number": (descriptors("tx_descriptors", "nb_tx_desc", 512), None),
            },
        ),
        "promisc_mode": (flag("promisc"), None),
        "mtu": (mtu, None),
        "kni_name": (kni_name, None),
    }
    transmit = below["tx"][1]
    if version.fast_free and transmit is not None:
        transmit["mbuf_fast_free"] = (fast_free, None)
    if version.allmulticast:
        below["allmulticast"] = (flag("allmulticast"), None)
    if version.device_fdir:
        below["fdir"] = (
            None,
            {
                "filter": (shown("fdir:filter", "IPVS"), None),
                "mode": (fdir("mode"), None),
                "pballoc": (fdir("pballoc"), None),
                "status": (fdir("status"), None),
            },
        )
    return below


def _global_tree(version: Version) -> Tree:
    below: Tree = {
        "log_level": (log_level, None),
        "log_file": (log_file, None),
        "log_async_mode": (shown("log async mode", "CFG_FILE"), None),
        "daemon": (None, None),
        "pdump": (shown("pdump", "CFG_FILE"), None),
    }
    if version.kni_switch:
        below["kni"] = (switch("kni", "kni"), None)
        below["log_with_timestamp"] = (shown("log_with_timestamp", "CFG_FILE"), None)
        below["log_async_pool_size"] = (shown("log_async_pool_size", "CFG_FILE"), None)
    if version.lldp:
        below["lldp"] = (switch("lldp", "lldp"), None)
    return below


def _worker_tree() -> Tree:
    port: Tree = {
        "rx_queue_ids": (queue_ids("rx", "rx_queue_id"), None),
        "tx_queue_ids": (queue_ids("tx", "tx_queue_id"), None),
        "isol_rx_cpu_ids": (None, None),
        "isol_rxq_ring_sz": (None, None),
    }
    return {
        "type": (role, None),
        "cpu_id": (cpu, None),
        "icmp_redirect_core": (icmp, None),
        "port": (worker_port, port),
    }


def _ipvs_tree(version: Version) -> Tree:
    udp_states = dict(tcpstates.UDP_KEYWORDS)
    if not version.oneway_timeout:
        del udp_states["oneway"]
    conn: Tree = {
        "conn_pool_size": (conn_pool, None),
        "conn_pool_cache": (shown("conn_pool_cache", "IPVS", " (round to 2^n)"), None),
        "conn_init_timeout": (shown("conn_init_timeout", "IPVS"), None),
        "expire_quiescent_template": (said("expire_quiescent_template ON", "IPVS"), None),
        "fast_xmit_close": (set_keyword("fast_xmit", to=False, text="fast xmit OFF"), None),
        "redirect": (switch("redirect", "conn:redirect", "IPVS"), None),
    }
    udp: Tree = {
        "defence_udp_drop": (set_keyword("defence_udp", to=True, text="defence_udp_drop ON"), None),
        "uoa_mode": (uoa_mode, None),
        "uoa_max_trail": (
            ranged("uoa_max_trail", "uoa_max_trail", "IPVS", 0, 2**31 - 1, 3),
            None,
        ),
        "timeout": (None, _timeouts("udp", udp_states)),
    }
    tcp: Tree = {
        "defence_tcp_drop": (set_keyword("defence_tcp", to=True, text="defence_tcp_drop ON"), None),
        "timeout": (
            None,
            {
                **_timeouts("tcp", tcpstates.TCP_KEYWORDS),
                "last": (shown("tcp_timeout_last", "IPVS"), None),
            },
        ),
        "synproxy": (None, _synproxy(version)),
    }
    return {"conn": (None, conn), "udp": (None, udp), "tcp": (None, tcp)}


def tree(version: Version) -> Tree:
    """Every keyword of the version, by block."""
    fragment: Tree = {
        "bucket_number": (shown("ip4_frag_buckets", "IP4FRAG"), None),
        "bucket_entries": (
            shown("ip4_frag_bucket_entries", "IP4FRAG", " (round to 2^n)"),
            None,
        ),
        "max_entries": (shown("ip4_frag_max_entries", "IP4FRAG"), None),
        "ttl": (shown("ip4_frag_ttl", "IP4FRAG"), None),
    }
    ipv6: Tree = {
        "disable": (disable6, None),
        "forwarding": (shown("ipv6:forwarding", "IPV6"), None),
        "route6": (
            None,
            {
                "method": (shown("route6:method", "RT6"), None),
                "recycle_time": (shown("ipv6:route:recycle_time", "RT6"), None),
                "lpm": (
                    None,
                    {
                        "lpm6_max_rules": (None, None),
                        "lpm6_num_tbl8s": (None, None),
                        "rt6_array_size": (None, None),
                        "rt6_hash_bucket": (None, None),
                    },
                ),
            },
        ),
    }
    if version.link_local:
        ipv6["addr_gen_mode"] = (address_mode, None)
        ipv6["stable_secret"] = (None, None)
    netif: Tree = {
        "pktpool_size": (pktpool_size, None),
        "pktpool_cache": (
            limited("pktpool_cache_size", "NETIF", 32, 8192, 256, " (round to 2^n)", power=True),
            None,
        ),
        "device": (device_keyword, _device_tree(version)),
        "bonding": (
            bonding,
            confbonds.keywords(node=not version.device_fdir, choices=not version.device_fdir),
        ),
    }
    if not version.device_fdir:
        netif["fdir_mode"] = (
            shown("fdir_mode" if version.late_dpdk else "g_fdir_mode", "NETIF"),
            None,
        )
    pool: Tree = {"pool_hash_size": (pool_hash_size, None)}
    if not version.device_fdir:
        pool["flow_enable"] = (flow_enable, None)
    message: Tree = {
        "ring_size": (
            limited("msg_ring_size", "MSGMGR", 256, 524288, 4096, " (round to 2^n)", power=True),
            None,
        ),
        "sync_msg_timeout_us": (limited("sync_msg_timeout_us", "MSGMGR", 1, 2**31 - 1, 2000), None),
        "priority_level": (priority, None),
    }
    control: Tree = {"lcore_msg": (None, message)}
    if version.toa_on_syn:
        control["ipc_msg"] = (None, {"unix_domain": (None, None)})
    return {
        "global_defs": (None, _global_tree(version)),
        "netif_defs": (None, netif),
        "worker_defs": (None, {"worker": (worker_keyword, _worker_tree())}),
        "timer_defs": (None, {"schedule_interval": (shown("sched_interval", "DTIMER"), None)}),
        "neigh_defs": (
            None,
            {
                "unres_queue_length": (
                    ranged(
                        "neighbour_queue",
                        "arp_unres_qlen",
                        "NEIGHBOUR",
                        16,
                        8192,
                        128,
                        wrong="invalid {} config {}, using default {}",
                    ),
                    None,
                ),
                "timeout": (
                    ranged(
                        "neighbour_timeout",
                        "arp_reachable_timeout",
                        "NEIGHBOUR",
                        1,
                        3600,
                        60,
                        wrong=f"invalid {{}} config {{}},{' ' * 17}using default {{}}",
                    ),
                    None,
                ),
            },
        ),
        "ipset_defs": (
            None,
            {
                "ipset_hash_pool_size": (
                    shown("ipset_hash_pool_size", "IPSET", " (round to 2^n-1)"),
                    None,
                )
            },
        ),
        "ipv4_defs": (
            None,
            {
                "forwarding": (switch("ipv4_forwarding", "ipv4:forwarding", "IPV4"), None),
                "default_ttl": (ranged("default_ttl", "inet_def_ttl", "IPV4", 0, 255, 64), None),
                "fragment": (None, fragment),
            },
        ),
        "ipv6_defs": (None, ipv6),
        "ctrl_defs": (None, control),
        "ipvs_defs": (None, _ipvs_tree(version)),
        "sa_pool": (None, pool),
    }
