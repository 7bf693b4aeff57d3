"""A ConfSpec as the dpvs.conf of one version."""

from __future__ import annotations

from dataclasses import asdict

from dpvs_acceptance.dpvs.conf.keywords import versions_with
from dpvs_acceptance.dpvs.conf.spec import DEFAULT_MTU, BondSpec, ConfSpec, DeviceSpec, WorkerSpec
from dpvs_acceptance.dpvs.conf.tree import Item, Remark, write
from dpvs_acceptance.dpvs.versions import Version, facts

_FDIR = "netif_defs/device/fdir"
# Later versions do not know this block of a device: its closing brace then ends the device, and
# they ignore the rest.


class NotInThisVersionError(ValueError):
    """The spec needs keywords that this version's dpvs.conf lacks; one line per keyword."""


def render(spec: ConfSpec, version: Version) -> str:
    """The text of dpvs.conf, with only keywords that `version` knows.

    Raises NotInThisVersionError if the spec needs another keyword, and ValueError for a name that
    dpvs.conf cannot hold. check() validates the assignment of workers and queues.
    """
    return _Render(spec, version).text()


class _Render:
    def __init__(self, spec: ConfSpec, version: Version) -> None:
        self._spec = spec
        self._version = version
        self._known = facts(version).keywords
        self._missing: list[str] = []

    def text(self) -> str:
        contents: tuple[Item | Remark, ...] = (
            Remark(f"! dpvs.conf for DPVS {self._version}"),
            self._global(),
            self._netif(),
            self._workers(),
            self._ctrl(),
            Item("ipv6_defs", block=(_switch("disable", not self._spec.ipv6),)),
            self._ipvs(),
            *self._sa_pool(),
        )
        if self._missing:
            raise NotInThisVersionError("\n".join(self._missing))
        return write(contents)

    def _can(self, path: str, *, asked: bool) -> bool:
        """Whether to write a keyword; records required keywords that this version lacks."""
        keyword = tuple(path.split("/"))
        if keyword in self._known:
            return True
        if asked:
            self._missing.append(
                f"dpvs.conf of DPVS {self._version} has no {path}: {versions_with(keyword)} has it"
            )
        return False

    def _global(self) -> Item:
        spec = self._spec
        block = []
        if spec.log_level is not None:
            block.append(Item("log_level", (spec.log_level,)))
        if spec.log_file is not None:
            block.append(Item("log_file", (spec.log_file,)))
        if self._can("global_defs/kni", asked=not spec.kni):
            block.append(_switch("kni", spec.kni, init=True))
        if self._can("global_defs/lldp", asked=spec.lldp):
            block.append(_switch("lldp", spec.lldp))
        return Item("global_defs", block=tuple(block))

    def _netif(self) -> Item:
        block = [
            _number("pktpool_size", self._spec.pktpool_size, init=True),
            _number("pktpool_cache", self._spec.pktpool_cache, init=True),
        ]
        if self._can("netif_defs/fdir_mode", asked=False):
            block.append(Item("fdir_mode", ("perfect",), init=True))
        block += [self._device(device) for device in self._spec.devices]
        block += [self._bond(bond) for bond in self._spec.bonds]
        return Item("netif_defs", block=tuple(block))

    def _device(self, device: DeviceSpec) -> Item:
        rx = [_number("descriptor_number", device.rx_desc), Item("rss", (device.rss,))]
        tx = [_number("descriptor_number", device.tx_desc)]
        if device.rx_queues is not None:
            rx.insert(0, _number("queue_number", device.rx_queues))
        if device.tx_queues is not None:
            tx.insert(0, _number("queue_number", device.tx_queues))
        if self._can("netif_defs/device/tx/mbuf_fast_free", asked=not device.mbuf_fast_free):
            tx.append(_switch("mbuf_fast_free", device.mbuf_fast_free))
        block = [Item("rx", block=tuple(rx)), Item("tx", block=tuple(tx))]
        if facts(self._version).has_keyword(_FDIR):
            fdir = [("mode", "perfect"), ("pballoc", "64k"), ("status", "matched")]
            # Before sa_pool/flow_enable this was the setting for a NIC without flow rules.
            if self._can("netif_defs/device/fdir/filter", asked=not self._spec.sa_pool_flow):
                fdir.insert(0, ("filter", "on" if self._spec.sa_pool_flow else "off"))
            block.append(Item("fdir", block=tuple(Item(name, (value,)) for name, value in fdir)))
        if self._can("netif_defs/device/mtu", asked=device.mtu != DEFAULT_MTU):
            block.append(_number("mtu", device.mtu))
        if device.promisc:
            block.append(Item("promisc_mode"))
        if device.kni_name is not None:
            block.append(Item("kni_name", (device.kni_name,)))
        return Item("device", (device.name,), tuple(block), init=True)

    def _bond(self, bond: BondSpec) -> Item:
        # The order matters: options depend on mode.
        block = [_number("mode", bond.mode)]
        block += [Item("slave", (member,)) for member in bond.members]
        if bond.primary is not None:
            block.append(Item("primary", (bond.primary,)))
        if self._can("netif_defs/bonding/numa_node", asked=bond.numa_node != 0):
            block.append(_number("numa_node", bond.numa_node))
        if bond.dedicated_queues is not None and self._can(
            "netif_defs/bonding/options", asked=not bond.dedicated_queues
        ):
            state = "on" if bond.dedicated_queues else "off"
            block.append(Item("options", (f"dedicated_queues={state}",)))
        if bond.kni_name is not None:
            block.append(Item("kni_name", (bond.kni_name,)))
        return Item("bonding", (bond.name,), tuple(block), init=True)

    def _workers(self) -> Item:
        return Item("worker_defs", block=tuple(self._worker(one) for one in self._spec.workers))

    def _worker(self, worker: WorkerSpec) -> Item:
        # The order matters: cpu_id depends on type, icmp_redirect_core on cpu_id.
        block = [Item("type", (worker.type,)), _number("cpu_id", worker.cpu_id)]
        if worker.icmp_redirect and self._can("worker_defs/worker/icmp_redirect_core", asked=True):
            block.append(Item("icmp_redirect_core"))
        for port in worker.ports:
            queues = [
                Item(keyword, tuple(map(str, ids)))
                for keyword, ids in (("rx_queue_ids", port.rx), ("tx_queue_ids", port.tx))
                if ids
            ]
            block.append(Item("port", (port.port,), tuple(queues)))
        return Item("worker", (worker.name,), tuple(block), init=True)

    def _ctrl(self) -> Item:
        spec = self._spec
        block = [Item("lcore_msg", block=(_number("sync_msg_timeout_us", spec.msg_timeout_us),))]
        if spec.unix_domain is not None and self._can("ctrl_defs/ipc_msg", asked=True):
            name = Item("unix_domain", (spec.unix_domain,), init=True)
            block.append(Item("ipc_msg", block=(name,)))
        return Item("ctrl_defs", block=tuple(block))

    def _ipvs(self) -> Item:
        spec = self._spec
        udp = asdict(spec.udp_timeouts)
        if not self._can("ipvs_defs/udp/timeout/oneway", asked=False):
            del udp["oneway"]
        conn: tuple[Item, ...] = (
            _number("conn_pool_size", spec.conn_pool_size, init=True),
            _switch("redirect", spec.conn_redirect, init=True),
        )
        if spec.expire_quiescent_template:
            conn += (Item("expire_quiescent_template"),)
        return Item(
            "ipvs_defs",
            block=(
                Item("conn", block=conn),
                Item(
                    "udp",
                    block=(
                        Item("uoa_mode", (spec.uoa_mode,)),
                        _number("uoa_max_trail", spec.uoa_max_trail),
                        _timeouts(udp),
                    ),
                ),
                Item("tcp", block=(_timeouts(asdict(spec.tcp_timeouts)),)),
            ),
        )

    def _sa_pool(self) -> tuple[Item, ...]:
        asked = not self._spec.sa_pool_flow and not facts(self._version).has_keyword(_FDIR)
        if not self._can("sa_pool/flow_enable", asked=asked):
            return ()
        return (
            Item("sa_pool", block=(_switch("flow_enable", self._spec.sa_pool_flow, init=True),)),
        )


def _number(keyword: str, value: int, *, init: bool = False) -> Item:
    return Item(keyword, (str(value),), init=init)


def _switch(keyword: str, value: bool, *, init: bool = False) -> Item:
    return Item(keyword, ("on" if value else "off",), init=init)


def _timeouts(seconds: dict[str, int]) -> Item:
    return Item("timeout", block=tuple(_number(state, value) for state, value in seconds.items()))
