"""The keywords of dpvs.conf, what each sets and what the device logs when it takes it."""

from __future__ import annotations

from datetime import datetime

from softlab.simulated import tcpstates
from softlab.simulated.conf import Device, Queues, Reader, Worker, round_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Handler, Tree
    from softlab.simulated.versions import Version

RSS_KINDS = ("all", "ip", "tcp", "udp", "sctp", "ether", "port", "tunnel")


def _number(text: str) -> int:
    """A number as C's atoi takes it: leading digits, else 0."""
    digits = ""
    for char in text.lstrip():
        if not (char.isdigit() or (char == "-" and not digits)):
            break
        digits += char
    return int(digits) if digits.strip("-") else 0


def _value(words: list[str]) -> str:
    return words[1] if len(words) > 1 else ""


# -- global_defs ------------------------------------------------------------------------------


def _log_level(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_level = {_value(words)}")
    reader.config.log_level = _value(words)
    reader.on_log("level", _value(words))


def _log_file(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_file = {_value(words)}")
    reader.config.log_file = _value(words)
    reader.on_log("file", _value(words))
    when = datetime.now().astimezone().strftime("%Y/%m/%d %X %A")
    reader.say("INFO", "CFG_FILE", f"load dpvs configuation file at {when}")


def _switch(attribute: str, label: str, module: str = "CFG_FILE") -> Handler:
    """A keyword that is on or off."""

    def take(reader: Reader, words: list[str]) -> None:
        text = _value(words).lower()
        if text in ("on", "off"):
            setattr(reader.config, attribute, text == "on")
        else:
            reader.say("WARNING", module, f"invalid {label} switch: {_value(words)}")
        state = "on" if getattr(reader.config, attribute) else "off"
        reader.say("INFO", module, f"{label} = {state}")

    return take


def _shown(label: str, module: str, note: str = "", level: str = "INFO") -> Handler:
    """A keyword that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:
        reader.say(level, module, f"{label} = {_value(words)}{note}")

    return take


def _said(text: str, module: str) -> Handler:
    """A keyword without a value that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        reader.say("INFO", module, text)

    return take


def _ranged(
    attribute: str,
    label: str,
    module: str,
    low: int,
    high: int,
    default: int,
    note: str = "",
    level: str = "INFO",
) -> Handler:
    """A number within limits; outside them the default is taken, with a warning."""

    def take(reader: Reader, words: list[str]) -> None:
        number = _number(_value(words))
        if low <= number <= high:
            setattr(reader.config, attribute, number)
            reader.say(level, module, f"{label} = {number}{note}")
        else:
            setattr(reader.config, attribute, default)
            text = f"invalid {label} {_value(words)}, using default {default}"
            reader.say("WARNING", module, text)

    return take


# -- netif_defs -------------------------------------------------------------------------------


def _pktpool_size(reader: Reader, words: list[str]) -> None:
    number = _number(_value(words))
    if not 1023 <= number <= 134217728:
        reader.config.pktpool_size = 65535
        text = f"invalid pktpool_size {_value(words)}, using default 65535"
        reader.say("WARNING", "NETIF", text)
        return
    reader.config.pktpool_size = round_down(number, 1) - 1
    text = f"pktpool_size = {reader.config.pktpool_size} (round to 2^n-1)"
    reader.say("INFO", "NETIF", text)


def _device(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif device config: {_value(words)}")
    reader.config.devices.append(Device(_value(words)))


def _bonding(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif bonding config: {_value(words)}")
    reader.config.bonds.append(_value(words))


def _queues(attribute: str, label: str, level: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = _number(_value(words))
        if 0 <= number <= MAX_QUEUES_OF_DEVICE:
            setattr(device, attribute, number)
            reader.say(level, "NETIF", f"{device.name}:{label} = {number}")
        else:
            text = f"invalid {device.name}:{label} {_value(words)}, using default 16"
            reader.say("WARNING", "NETIF", text)

    return take


MAX_QUEUES_OF_DEVICE = 16


def _descriptors(attribute: str, label: str, default: int) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = _number(_value(words))
        if 16 <= number <= 8192:
            setattr(device, attribute, round_down(number))
            text = f"{device.name}:{label} = {round_down(number)} (round to 2^n)"
            reader.say("INFO", "NETIF", text)
        else:
            setattr(device, attribute, default)
            text = f"invalid {device.name}:{label} {_value(words)}, using default {default}"
            reader.say("WARNING", "NETIF", text)

    return take


def _rss(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = _value(words)
    if all(kind.strip() in RSS_KINDS for kind in text.split("|")):
        device.rss = text
        reader.say("INFO", "NETIF", f"{device.name}:rss = {text}")
    else:
        line = f"invalid {device.name}:rss {text}, using default rss_tcp"
        reader.say("WARNING", "NETIF", line)


def _fast_free(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = _value(words)
    if text.lower() not in ("on", "off"):
        line = f"invalid {device.name}:tx_mbuf_fast_free, using default ON"
        reader.say("WARNING", "NETIF", line)
        return
    device.fast_free = text.lower() == "on"
    reader.say("INFO", "NETIF", f"{device.name}:tx_mbuf_fast_free = {text}")


def _flag(attribute: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        setattr(reader.config.devices[-1], attribute, True)

    return take


def _mtu(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    number = _number(_value(words))
    if 0 < number <= 9000:
        device.mtu = number
        reader.say("INFO", "NETIF", f"{device.name}:mtu = {number}")
    else:
        text = f"invalid {device.name}:MTU {_value(words)}, using default 1500"
        reader.say("WARNING", "NETIF", text)


def _kni_name(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    device.kni_name = _value(words)
    space = " " if reader.version.device_fdir else ""
    reader.say("INFO", "NETIF", f"{device.name}:{space}kni_name = {_value(words)}")


def _fdir(label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        reader.say("INFO", "NETIF", f"{device.name}:fdir_{label} = {_value(words)}")

    return take


# -- worker_defs ------------------------------------------------------------------------------


def _worker(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif worker config: {_value(words)}")
    reader.config.workers.append(Worker(_value(words)))


def _role(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = _value(words)
    if text in ("master", "slave", "kni"):
        worker.role = text
        reader.say("INFO", "NETIF", f"{worker.name}:type = {text}")
    else:
        line = f"invalid {worker.name}:type {text}, using default slave"
        reader.say("WARNING", "NETIF", line)


def _cpu(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = _value(words)
    if text.isdigit() and int(text) < 64:
        worker.cpu = int(text)
        reader.say("INFO", "NETIF", f"{worker.name}:cpu_id = {worker.cpu}")
    else:
        line = f"invalid {worker.name}:cpu_id {text}, using default 0"
        reader.say("WARNING", "NETIF", line)


def _icmp(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
    worker = reader.config.workers[-1]
    worker.icmp = True
    text = f"{worker.name}({worker.cpu}) used to redirect icmp packets"
    reader.say("INFO", "NETIF", text)


def _worker_port(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    worker.ports.append(Queues(_value(words)))
    reader.say("INFO", "NETIF", f"worker {worker.name}:{_value(words)} queue config")


def _queue_ids(attribute: str, label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        worker = reader.config.workers[-1]
        queues = worker.ports[-1]
        for text in words[1:]:
            number = _number(text)
            if not 0 <= number < 16:
                line = f"invalid worker {worker.name}:{queues.port} {label} {text}, using default 0"
                reader.say("WARNING", "NETIF", line)
                number = 0
            else:
                line = f"worker {worker.name}:{queues.port} {label} += {number}"
                reader.say("WARNING", "NETIF", line)
            getattr(queues, attribute).append(number)

    return take


# -- the other modules ------------------------------------------------------------------------


def _disable6(reader: Reader, words: list[str]) -> None:
    reader.config.ipv6_disabled = _value(words).lower() == "on"
    state = "disabled" if reader.config.ipv6_disabled else "enabled"
    reader.say("INFO", "IPV6", f"ipv6:disable={state}")


def _address_mode(reader: Reader, words: list[str]) -> None:
    reader.config.address_mode = _value(words)
    reader.say("INFO", "IPV6", f"ipv6:addr_gen_mode={_value(words)}")


def _conn_pool(reader: Reader, words: list[str]) -> None:
    number = _number(_value(words))
    if number < 65536:
        line = f"invalid conn_pool_size {_value(words)}, using default 2097152"
        reader.say("WARNING", "IPVS", line)
        return
    rounded = round_down(number)
    reader.config.conn_pool_size = rounded - 1
    reader.say("INFO", "IPVS", f"conn_pool_size = {rounded} (round to 2^n-1)")


def _set(attribute: str, *, to: bool, text: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        setattr(reader.config, attribute, to)
        reader.say("INFO", "IPVS", text)

    return take


def _uoa_mode(reader: Reader, words: list[str]) -> None:
    text = _value(words)
    if text in ("opp", "ipo"):
        reader.config.uoa_mode = text
    else:
        reader.say("WARNING", "IPVS", f"invalid uoa_mode {text}, using default opp")
    reader.say("INFO", "IPVS", f"uoa_mode = {reader.config.uoa_mode}")


def _timeout(proto: str, keyword: str, state: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        number = _number(_value(words))
        if 0 < number < 31536000:
            reader.config.timeouts[state] = number
            reader.say("INFO", "IPVS", f"{proto}_timeout_{keyword} = {number}")
        else:
            default = tcpstates.DEFAULT_TIMEOUTS[state]
            line = f"invalid {proto}_timeout_{keyword}, using default {default}"
            reader.say("INFO", "IPVS", line)

    return take


def _timeouts(proto: str, keywords: dict[str, str]) -> Tree:
    return {keyword: (_timeout(proto, keyword, state), None) for keyword, state in keywords.items()}


def _synproxy() -> Tree:
    reuse: Tree = {
        word: (_said(f"synproxy_conn_reuse: {shown}", "IPVS"), None)
        for word, shown in (
            ("close", "CLOSE"),
            ("time_wait", "TIMEWAIT"),
            ("fin_wait", "FINWAIT"),
            ("close_wait", "CLOSEWAIT"),
            ("last_ack", "LASTACK"),
        )
    }
    return {
        "synack_options": (
            None,
            {
                "mss": (_shown("synack_mss", "IPVS"), None),
                "ttl": (_shown("synack_ttl", "IPVS"), None),
                "sack": (_said("synproxy_synack_options_sack ON", "IPVS"), None),
                "wscale": (_shown("synproxy_synack_options_wscale", "IPVS"), None),
                "timestamp": (_said("synproxy_synack_options_timestamp ON", "IPVS"), None),
            },
        ),
        "close_client_window": (_said("close_client_window ON", "IPVS"), None),
        "defer_rs_syn": (_said("defer_rs_syn ON", "IPVS"), None),
        "rs_syn_max_retry": (_shown("rs_syn_max_retry", "IPVS"), None),
        "ack_storm_thresh": (_shown("ack_storm_thresh", "IPVS"), None),
        "max_ack_saved": (_shown("max_ack_saved", "IPVS"), None),
        "conn_reuse_state": (_said("synproxy_conn_reuse ON", "IPVS"), reuse),
    }


def _device_tree(version: Version) -> Tree:
    below: Tree = {
        "rx": (
            None,
            {
                "queue_number": (_queues("rx_queues", "rx_queue_number", "WARNING"), None),
                "descriptor_number": (_descriptors("rx_descriptors", "nb_rx_desc", 256), None),
                "rss": (_rss, None),
            },
        ),
        "tx": (
            None,
            {
                "queue_number": (_queues("tx_queues", "tx_queue_number", "INFO"), None),
                "descriptor_number": (_descriptors("tx_descriptors", "nb_tx_desc", 512), None),
            },
        ),
        "promisc_mode": (_flag("promisc"), None),
        "mtu": (_mtu, None),
        "kni_name": (_kni_name, None),
    }
    transmit = below["tx"][1]
    if version.fast_free and transmit is not None:
        transmit["mbuf_fast_free"] = (_fast_free, None)
    if version.allmulticast:
        below["allmulticast"] = (_flag("allmulticast"), None)
    if version.device_fdir:
        below["fdir"] = (
            None,
            {
                "filter": (_shown("fdir:filter", "IPVS"), None),
                "mode": (_fdir("mode"), None),
                "pballoc": (_fdir("pballoc"), None),
                "status": (_fdir("status"), None),
            },
        )
    return below


def _global_tree(version: Version) -> Tree:
    below: Tree = {
        "log_level": (_log_level, None),
        "log_file": (_log_file, None),
        "log_async_mode": (_shown("log async mode", "CFG_FILE"), None),
        "daemon": (None, None),
        "pdump": (_shown("pdump", "CFG_FILE"), None),
    }
    if version.kni_switch:
        below["kni"] = (_switch("kni", "kni"), None)
        below["log_with_timestamp"] = (_shown("log_with_timestamp", "CFG_FILE"), None)
        below["log_async_pool_size"] = (_shown("log_async_pool_size", "CFG_FILE"), None)
    if version.lldp:
        below["lldp"] = (_switch("lldp", "lldp"), None)
    return below


def _worker_tree() -> Tree:
    port: Tree = {
        "rx_queue_ids": (_queue_ids("rx", "rx_queue_id"), None),
        "tx_queue_ids": (_queue_ids("tx", "tx_queue_id"), None),
        "isol_rx_cpu_ids": (None, None),
        "isol_rxq_ring_sz": (None, None),
    }
    return {
        "type": (_role, None),
        "cpu_id": (_cpu, None),
        "icmp_redirect_core": (_icmp, None),
        "port": (_worker_port, port),
    }


def _ipvs_tree(version: Version) -> Tree:
    udp_states = dict(tcpstates.UDP_KEYWORDS)
    if not version.oneway_timeout:
        del udp_states["oneway"]
    conn: Tree = {
        "conn_pool_size": (_conn_pool, None),
        "conn_pool_cache": (_shown("conn_pool_cache", "IPVS", " (round to 2^n)"), None),
        "conn_init_timeout": (_shown("conn_init_timeout", "IPVS"), None),
        "expire_quiescent_template": (_said("expire_quiescent_template ON", "IPVS"), None),
        "fast_xmit_close": (_set("fast_xmit", to=False, text="fast xmit OFF"), None),
        "redirect": (_switch("redirect", "redirect", "IPVS"), None),
    }
    udp: Tree = {
        "defence_udp_drop": (_set("defence_udp", to=True, text="defence_udp_drop ON"), None),
        "uoa_mode": (_uoa_mode, None),
        "uoa_max_trail": (
            _ranged("uoa_max_trail", "uoa_max_trail", "IPVS", 0, 64, 3),
            None,
        ),
        "timeout": (None, _timeouts("udp", udp_states)),
    }
    tcp: Tree = {
        "defence_tcp_drop": (_set("defence_tcp", to=True, text="defence_tcp_drop ON"), None),
        "timeout": (
            None,
            {
                **_timeouts("tcp", tcpstates.TCP_KEYWORDS),
                "last": (_shown("tcp_timeout_last", "IPVS"), None),
            },
        ),
        "synproxy": (None, _synproxy()),
    }
    return {"conn": (None, conn), "udp": (None, udp), "tcp": (None, tcp)}


def tree(version: Version) -> Tree:
    """Every keyword of the version, by block."""
    fragment: Tree = {
        "bucket_number": (_shown("ip4_frag_buckets", "IP4FRAG"), None),
        "bucket_entries": (
            _shown("ip4_frag_bucket_entries", "IP4FRAG", " (round to 2^n)"),
            None,
        ),
        "max_entries": (_shown("ip4_frag_max_entries", "IP4FRAG"), None),
        "ttl": (_shown("ip4_frag_ttl", "IP4FRAG"), None),
    }
    ipv6: Tree = {
        "disable": (_disable6, None),
        "forwarding": (_shown("ipv6:forwarding", "IPV6"), None),
        "route6": (
            None,
            {
                "method": (_shown("route6:method", "RT6"), None),
                "recycle_time": (_shown("ipv6:route:recycle_time", "RT6"), None),
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
        ipv6["addr_gen_mode"] = (_address_mode, None)
        ipv6["stable_secret"] = (None, None)
    netif: Tree = {
        "pktpool_size": (_pktpool_size, None),
        "pktpool_cache": (_shown("pktpool_cache_size", "NETIF", " (round to 2^n)"), None),
        "device": (_device, _device_tree(version)),
        "bonding": (
            _bonding,
            dict.fromkeys(
                ("mode", "slave", "primary", "numa_node", "kni_name", "options"), (None, None)
            ),
        ),
    }
    if not version.device_fdir:
        netif["fdir_mode"] = (_shown("fdir_mode", "NETIF"), None)
    pool: Tree = {
        "pool_hash_size": (_ranged("pool_hash_size", "pool_hash_size", "SAPOOL", 1, 128, 16), None),
    }
    if not version.device_fdir:
        pool["flow_enable"] = (_flow_enable, None)
    message: Tree = {
        "ring_size": (_shown("msg_ring_size", "MSGMGR", " (round to 2^n)"), None),
        "sync_msg_timeout_us": (_shown("sync_msg_timeout_us", "MSGMGR"), None),
        "priority_level": (_shown("priority_level", "MSGMGR"), None),
    }
    control: Tree = {"lcore_msg": (None, message)}
    if version.toa_on_syn:
        control["ipc_msg"] = (None, {"unix_domain": (None, None)})
    return {
        "global_defs": (None, _global_tree(version)),
        "netif_defs": (None, netif),
        "worker_defs": (None, {"worker": (_worker, _worker_tree())}),
        "timer_defs": (None, {"schedule_interval": (_shown("sched_interval", "DTIMER"), None)}),
        "neigh_defs": (
            None,
            {
                "unres_queue_length": (
                    _ranged("neighbour_queue", "arp_unres_qlen", "NEIGHBOUR", 16, 8192, 128),
                    None,
                ),
                "timeout": (
                    _ranged("neighbour_timeout", "arp_reachable_timeout", "NEIGHBOUR", 1, 3600, 60),
                    None,
                ),
            },
        ),
        "ipset_defs": (
            None,
            {
                "ipset_hash_pool_size": (
                    _shown("ipset_hash_pool_size", "IPSET", " (round to 2^n-1)"),
                    None,
                )
            },
        ),
        "ipv4_defs": (
            None,
            {
                "forwarding": (_switch("ipv4_forwarding", "ipv4:forwarding", "IPV4"), None),
                "default_ttl": (_ranged("default_ttl", "inet_def_ttl", "IPV4", 0, 255, 64), None),
                "fragment": (None, fragment),
            },
        ),
        "ipv6_defs": (None, ipv6),
        "ctrl_defs": (None, control),
        "ipvs_defs": (None, _ipvs_tree(version)),
        "sa_pool": (None, pool),
    }


def _flow_enable(reader: Reader, words: list[str]) -> None:
    # The device says nothing when it takes this one.
    reader.config.flow_enable = _value(words).lower() != "off"
