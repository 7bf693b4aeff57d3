"""A dpvs.conf as a ConfSpec, with which checks compare the running DPVS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

from dpvs_acceptance.dpvs.conf.spec import (
    BondSpec,
    ConfSpec,
    DeviceSpec,
    PortQueues,
    TcpTimeouts,
    UdpTimeouts,
    UoaMode,
    WorkerSpec,
    WorkerType,
)
from dpvs_acceptance.dpvs.conf.tree import Conf, ConfError, Item

_Default = TypeVar("_Default")
_Timeouts = TypeVar("_Timeouts", TcpTimeouts, UdpTimeouts)
_WORKER_TYPES: dict[str, WorkerType] = {"master": "master", "slave": "slave", "kni": "kni"}
_UOA_MODES: dict[str, UoaMode] = {"opp": "opp", "ipo": "ipo"}
_SWITCH = {"on": True, "off": False}


def read_spec(conf: Conf) -> ConfSpec:
    """The values of `conf` as written; check() reports values that DPVS would round or replace.

    Raises ConfError if a number or a name is missing or invalid.
    """
    reading = _ItemReading(conf.source)
    get = conf.get
    default = ConfSpec()
    return ConfSpec(
        log_level=reading.text(get("global_defs", "log_level")),
        log_file=reading.text(get("global_defs", "log_file")),
        devices=tuple(
            reading.device(item)
            for netif in conf.items("netif_defs")
            for item in netif.items("device")
        ),
        bonds=tuple(
            reading.bond(item)
            for netif in conf.items("netif_defs")
            for item in netif.items("bonding")
        ),
        workers=tuple(
            reading.worker(item)
            for workers in conf.items("worker_defs")
            for item in workers.items("worker")
        ),
        pktpool_size=reading.number(get("netif_defs", "pktpool_size"), default.pktpool_size),
        pktpool_cache=reading.number(get("netif_defs", "pktpool_cache"), default.pktpool_cache),
        conn_pool_size=reading.number(
            get("ipvs_defs", "conn", "conn_pool_size"), default.conn_pool_size
        ),
        conn_redirect=reading.switch(
            get("ipvs_defs", "conn", "redirect"), default=default.conn_redirect
        ),
        # A flag: DPVS ignores its value.
        expire_quiescent_template=get("ipvs_defs", "conn", "expire_quiescent_template") is not None,
        kni=reading.switch(get("global_defs", "kni"), default=default.kni),
        lldp=reading.switch(get("global_defs", "lldp"), default=default.lldp),
        sa_pool_flow=reading.switch(
            get("sa_pool", "flow_enable") or get("netif_defs", "device", "fdir", "filter"),
            default=default.sa_pool_flow,
        ),
        uoa_mode=reading.one_of(get("ipvs_defs", "udp", "uoa_mode"), _UOA_MODES, default.uoa_mode),
        uoa_max_trail=reading.number(
            get("ipvs_defs", "udp", "uoa_max_trail"), default.uoa_max_trail
        ),
        tcp_timeouts=reading.timeouts(get("ipvs_defs", "tcp", "timeout"), TcpTimeouts),
        udp_timeouts=reading.timeouts(get("ipvs_defs", "udp", "timeout"), UdpTimeouts),
        ipv6=not reading.switch(get("ipv6_defs", "disable"), default=not default.ipv6),
        unix_domain=reading.text(get("ctrl_defs", "ipc_msg", "unix_domain")),
        msg_timeout_us=reading.number(
            get("ctrl_defs", "lcore_msg", "sync_msg_timeout_us"), default.msg_timeout_us
        ),
    )


class _ItemReading:
    """Typed values of items; `source` for messages."""

    def __init__(self, source: str) -> None:
        self._source = source

    def device(self, item: Item) -> DeviceSpec:
        default = DeviceSpec("")
        get = item.get
        return DeviceSpec(
            name=self.name(item),
            rx_queues=self.number(get("rx", "queue_number"), None),
            tx_queues=self.number(get("tx", "queue_number"), None),
            rx_desc=self.number(get("rx", "descriptor_number"), default.rx_desc),
            tx_desc=self.number(get("tx", "descriptor_number"), default.tx_desc),
            rss=self.text(get("rx", "rss")) or default.rss,
            kni_name=self.text(get("kni_name")),
            promisc=get("promisc_mode") is not None,
            mtu=self.number(get("mtu"), default.mtu),
            mbuf_fast_free=self.switch(get("tx", "mbuf_fast_free"), default=default.mbuf_fast_free),
            line=item.line,
        )

    def bond(self, item: Item) -> BondSpec:
        default = BondSpec("")
        options = item.get("options")
        return BondSpec(
            name=self.name(item),
            mode=self.number(item.get("mode"), default.mode),
            members=tuple(self.name(member) for member in item.items("slave")),
            primary=self.text(item.get("primary")),
            numa_node=self.number(item.get("numa_node"), default.numa_node),
            dedicated_queues=_dedicated_queues(self.text(options) or ""),
            kni_name=self.text(item.get("kni_name")),
            line=item.line,
        )

    def worker(self, item: Item) -> WorkerSpec:
        cpu_id = item.get("cpu_id")
        if cpu_id is None:
            raise self._error(item, "a cpu_id in this worker's block")
        return WorkerSpec(
            name=self.name(item),
            type=self.one_of(item.get("type"), _WORKER_TYPES, "slave"),
            cpu_id=self.number(cpu_id, 0),
            ports=tuple(self.port(port) for port in item.items("port")),
            icmp_redirect=item.get("icmp_redirect_core") is not None,
            line=item.line,
        )

    def port(self, item: Item) -> PortQueues:
        return PortQueues(
            self.name(item),
            self._ids(item.get("rx_queue_ids")),
            self._ids(item.get("tx_queue_ids")),
            item.line,
        )

    def _ids(self, item: Item | None) -> tuple[int, ...]:
        if item is None:
            return ()
        return tuple(self._integer(item, value) for value in item.values)

    def name(self, item: Item) -> str:
        if not item.value:
            raise self._error(item, f"a name after {item.keyword}")
        return item.value

    def text(self, item: Item | None) -> str | None:
        return None if item is None else self.name(item)

    def number(self, item: Item | None, default: _Default) -> int | _Default:
        if item is None:
            return default
        return self._integer(item, item.value or "")

    def switch(self, item: Item | None, *, default: bool) -> bool:
        if item is None:
            return default
        # DPVS ignores case.
        return self.one_of(item, _SWITCH, default, str.lower)

    def one_of(
        self,
        item: Item | None,
        choices: dict[str, _Default],
        default: _Default,
        convert: Callable[[str], str] = str,
    ) -> _Default:
        if item is None:
            return default
        chosen = choices.get(convert(item.value or ""))
        if chosen is None:
            raise self._error(item, f"one of {' '.join(choices)} after {item.keyword}")
        return chosen

    def timeouts(self, item: Item | None, kind: type[_Timeouts]) -> _Timeouts:
        if item is None:
            return kind()
        names = {field.name for field in fields(kind)}
        return kind(
            **{
                one.keyword: self._integer(one, one.value or "")
                for one in item.items()
                if one.keyword in names
            }
        )

    def _integer(self, item: Item, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise self._error(item, f"a number after {item.keyword}")
        return int(text)

    def _error(self, item: Item, expected: str) -> ConfError:
        shown = " ".join((item.keyword, *item.values))
        return ConfError(self._source, item.line, shown, expected)


def _dedicated_queues(options: str) -> bool | None:
    """The option of this name among `OPT=VALUE;...`; None: it is not there."""
    words = {"on": True, "enable": True, "off": False, "disable": False}
    found = [option.partition("=") for option in options.split(";")]
    seen = [words.get(value.lower()) for name, _, value in found if name == "dedicated_queues"]
    return seen[-1] if seen else None
