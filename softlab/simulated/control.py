"""The control plane: what the tools may ask of the running device.

``Control.handle`` takes one message, ``{"op": ..., ...}``, changes or reads the data path, and
returns the reply: ``{"err": 0, ...}`` or the device's negative error number. The caller holds
the data path's lock. Frames that a change causes are in ``frames``.
"""

from __future__ import annotations

from softlab.packet import ANY4, ANY6, address_text
from softlab.simulated import errors, interfaces, report
from softlab.simulated.addresses import IfAddr
from softlab.simulated.core import DataPath, Frames
from softlab.simulated.errors import DpvsError
from softlab.simulated.fields import Fields
from softlab.simulated.linkcontrol import LinkControl
from softlab.simulated.ports import Port
from softlab.simulated.quirks import Quirks
from softlab.simulated.routes import KNI, LOCAL, Route
from softlab.simulated.servicecontrol import ServiceControl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value


class Control:
    """Answers the messages of the tools."""

    def __init__(self, path: DataPath) -> None:
        self.path = path
        self.frames: Frames = []
        self._now = 0.0
        self._services = ServiceControl(path)
        self._links = LinkControl(path)
        self._handlers = {
            "info": self._info,
            "quirks": self._quirks,
            "quirks.list": self._quirks_list,
            "addr.add": self._addr_add,
            "addr.set": self._addr_set,
            "addr.del": self._addr_del,
            "addr.flush": self._addr_flush,
            "addr.list": self._addr_list,
            "maddr.list": self._maddr_list,
            "maddr.get": self._maddr_list,
            "route.add": self._route_add,
            "route.del": self._route_del,
            "route.set": self._unsupported,
            "route.flush": self._route_flush,
            "route.list": self._route_list,
            "route6.set": self._route6_set,
            "route6.flush": self._route6_flush,
            "route6.list": self._route6_list,
            "neigh.add": self._neigh_add,
            "neigh.del": self._neigh_del,
            "neigh.list": self._neigh_list,
            "lldp.list": self._missing,
        }
        self._handlers |= self._services.handlers | self._links.handlers

    def handle(self, message: Value, now: float) -> Value:
        """The reply to one message; ``now`` is the data path's clock."""
        self._now = self._links.now = now
        handler = self._handlers.get(str(message.get("op")))
        if handler is None:
            return {"err": errors.NOTSUPP}
        try:
            return {"err": errors.OK, **handler(Fields(message))}
        except DpvsError as error:
            return {"err": error.code}
        except Exception as error:
            # The device goes on whatever one message did.
            self.path.say("ERR", "SOCKOPT", f"{message.get('op')}: {error!r}")
            return {"err": errors.INVAL}

    def _port(self, name: str, missing: int, said: str = "") -> Port:
        for port in self.path.ports:
            if port.name == name:
                return port
        if said:
            module, _, text = said.partition(": ")
            self.path.say("WARNING", module, f"{text}{name}")
        raise DpvsError(missing)

    def _info(self, _ask: Fields) -> Value:
        return {"services": len(self.path.services.all())}

    def _quirks(self, ask: Fields) -> Value:
        names = frozenset(name for name in ask.text("names").split(",") if name)
        try:
            self.path.quirks = Quirks(names)
        except ValueError as error:
            self.path.say("ERR", "QUIRKS", str(error))
            raise DpvsError(errors.INVAL) from None
        return {}

    def _quirks_list(self, _ask: Fields) -> Value:
        return {"names": ",".join(sorted(self.path.quirks.points))}

    def _unsupported(self, _ask: Fields) -> Value:
        raise DpvsError(errors.NOTSUPP)

    def _missing(self, ask: Fields) -> Value:
        if ask.text("dev") not in [port.name for port in self.path.ports]:
            self.path.say("WARNING", "LLDP", "lldp_sockopt_get: no such device")
            raise DpvsError(errors.NODEV)
        name = ask.text("dev")
        text = f"lldp_sockopt_get: local lldp port on {name} not found!"
        self.path.say("WARNING", "LLDP", text)
        raise DpvsError(errors.NOTEXIST)

    # -- addresses ---------------------------------------------------------------------------

    def _addr_port(self, ask: Fields) -> Port:
        name = ask.text("dev")
        for port in self.path.ports:
            if port.name == name:
                return port
        self.path.say("WARNING", "IFA", f"ifa_sockopt_set: device {name} not found")
        raise DpvsError(errors.NOTEXIST)

    def _check_prefix(self, ask: Fields) -> None:
        limit, plen = len(ask.raw("addr")) * 8, ask.number("plen")
        if not 0 < plen <= limit:
            family = "ipv4" if limit == 32 else "ipv6"
            self.path.say("WARNING", "IFA", f"ifa_sockopt_set: bad {family} prefix {plen}")
            raise DpvsError(errors.INVAL)

    def _addr_add(self, ask: Fields) -> Value:
        port = self._addr_port(ask)
        self._check_prefix(ask)
        entry = IfAddr(
            port.index,
            ask.raw("addr"),
            ask.number("plen"),
            ask.text("scope"),
            ask.raw("bcast"),
            ask.number("valid"),
            sapool=ask.flag("sapool"),
            born=self._now,
        )
        flows = self.path.settings.flow_enable and not self.path.version.device_fdir
        try:
            if entry.sapool and flows:
                self._add_flows(port, entry)
            self.frames += interfaces.add_address(self.path, entry)
        except DpvsError as error:
            text = f"add ifaddr {address_text(entry.addr)} failed -- {error}"
            self.path.say("WARNING", "IFA", f"[00] ifa_entry_add: {text}")
            raise
        return {}

    def _add_flows(self, port: Port, entry: IfAddr) -> None:
        """Tell the NIC which ports of a LIP belong to which queue.

        DPDK's software port has no flow rules; there a LIP needs ``flow_enable off``.
        """
        if self.path.addresses.find(port.index, entry.addr, entry.plen):
            return
        able = port.driver != "net_af_packet"
        level, outcome = ("INFO", "succeed") if able else ("ERR", "failed")
        bits = (len(self.path.workers) - 1).bit_length()
        for base, lcore in enumerate(self.path.workers):
            queue = next((q for q, owner in port.queues.items() if owner == lcore), 0)
            for proto in ("tcp", "udp"):
                text = (
                    f"netif_sapool_flow_add: adding {proto} sapool flow {outcome}: {port.name}"
                    f" ip {address_text(entry.addr)}"
                    f" port {base}(0x{base:04X}) mask 0x{(1 << bits) - 1:04X},"
                    f" queue {queue} lcore {lcore:2d}"
                )
                self.path.say(level, "FLOW", text)
        if not able:
            raise DpvsError(errors.RESOURCE)

    def _addr_set(self, ask: Fields) -> Value:
        port = self._addr_port(ask)
        self._check_prefix(ask)
        entry = self.path.addresses.find(port.index, ask.raw("addr"), ask.number("plen"))
        if entry is None:
            text = f"edit ifaddr {address_text(ask.raw('addr'))} failed -- not exist"
            self.path.say("WARNING", "IFA", f"[00] ifa_entry_mod: {text}")
            raise DpvsError(errors.NOTEXIST)
        entry.scope = ask.text("scope")
        entry.bcast = ask.raw("bcast")
        entry.valid = ask.number("valid")
        entry.born = self._now
        return {}

    def _addr_del(self, ask: Fields) -> Value:
        port = self._addr_port(ask)
        interfaces.remove_address(self.path, port.index, ask.raw("addr"), ask.number("plen"))
        return {}

    def _addr_flush(self, ask: Fields) -> Value:
        port = self._addr_port(ask)
        for entry in self.path.addresses.of_port(port.index):
            interfaces.remove_address(self.path, port.index, entry.addr, entry.plen)
        return {}

    def _addr_list(self, ask: Fields) -> Value:
        name = ask.text("dev")
        said = "IFA: ifa_sockopt_get: no such device: "
        port = self._port(name, errors.NOTEXIST, said) if name else None
        lcores = [self.path.settings.master]
        if ask.flag("verbose"):
            lcores += self.path.workers
        return {"addresses": report.addresses(self.path, port, lcores, self._now)}

    def _maddr_list(self, ask: Fields) -> Value:
        name = ask.text("dev")
        ports = [self._port(name, errors.NOTEXIST)] if name else self.path.ports
        return {"ports": [report.multicast(port) for port in ports]}

    # -- routes ------------------------------------------------------------------------------

    def _route_of(self, ask: Fields, family: int) -> Route:
        dst, plen, kind = ask.raw("dst"), ask.number("plen"), ask.text("kind")
        if len(dst) != family:
            raise DpvsError(errors.NOTSUPP)
        if kind in (LOCAL, KNI) and (dst in (ANY4, ANY6) or plen != len(dst) * 8):
            raise DpvsError(errors.INVAL)
        port = self._port(ask.text("dev"), errors.INVAL)
        return Route(
            kind,
            dst,
            plen,
            port.index,
            gateway=ask.raw("gateway"),
            src=ask.raw("src"),
            mtu=ask.number("mtu") or port.mtu,
            metric=ask.number("metric"),
        )

    def _route_add(self, ask: Fields) -> Value:
        self.path.add_route(self._route_of(ask, 4), quiet=True)
        return {}

    def _route_del(self, ask: Fields) -> Value:
        route = self._route_of(ask, 4)
        self.path.remove_route(route.kind, route.dst, route.plen, route.port, quiet=True)
        return {}

    def _route_flush(self, ask: Fields) -> Value:
        self.path.routes4.flush(self._port(ask.text("dev"), errors.INVAL).index)
        return {}

    def _route_list(self, ask: Fields) -> Value:
        name = ask.text("dev")
        said = "ROUTE: route_sockopt_get: no such device: "
        port = self._port(name, errors.NOTEXIST, said) if name else None
        entries = self.path.routes4.all()
        return {"routes": report.routes(self.path, entries, port), "total": len(entries)}

    def _route6_set(self, ask: Fields) -> Value:
        route = self._route_of(ask, 16)
        if ask.flag("add"):
            self.path.add_route(route, quiet=False)
        else:
            self.path.remove_route(route.kind, route.dst, route.plen, route.port, quiet=False)
        return {}

    def _route6_flush(self, ask: Fields) -> Value:
        self.path.routes6.flush(self._port(ask.text("dev"), errors.INVAL).index)
        return {}

    def _route6_list(self, ask: Fields) -> Value:
        name = ask.text("dev")
        port = self._port(name, errors.INVAL) if name else None
        return {"routes": report.routes(self.path, self.path.routes6.all(), port)}

    # -- neighbours --------------------------------------------------------------------------

    def _neigh_add(self, ask: Fields) -> Value:
        port = self._port(
            ask.text("dev"), errors.INVAL, "NEIGHBOUR: neigh_sockopt_set: no such device: "
        )
        for lcore in self.path.workers:
            table = self.path.neighbours[lcore]
            table.add_static(port.index, ask.raw("addr"), ask.raw("hardware"))
        return {}

    def _neigh_del(self, ask: Fields) -> Value:
        port = self._port(
            ask.text("dev"), errors.INVAL, "NEIGHBOUR: neigh_sockopt_set: no such device: "
        )
        for lcore in self.path.workers:
            if not self.path.neighbours[lcore].remove(port.index, ask.raw("addr")):
                self.path.say("WARNING", "NEIGHBOUR", "neigh_process_ring: not exist")
        return {}

    def _neigh_list(self, ask: Fields) -> Value:
        name = ask.text("dev")
        said = "NEIGHBOUR: neigh_sockopt_get: no such device: "
        port = self._port(name, errors.NOTEXIST, said) if name else None
        return {"neighbours": report.neighbours(self.path, port)}
