"""The control plane's messages about ports and lcores."""

from __future__ import annotations

from softlab.simulated import errors, report
from softlab.simulated.core import DataPath
from softlab.simulated.errors import DpvsError
from softlab.simulated.fields import Fields
from softlab.simulated.ports import Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.bonds import Bond
    from softlab.simulated.wire import Value


class LinkControl:
    """Handlers by the name of the message; ``now`` is the data path's clock."""

    def __init__(self, path: DataPath) -> None:
        self.path = path
        self.now = 0.0
        self.handlers = {
            "link.list": self._link_list,
            "link.get": self._link_get,
            "link.stats": self._link_stats,
            "link.xstats": self._link_xstats,
            "link.ext": self._link_ext,
            "link.set": self._link_set,
            "bond.get": self._bond_get,
            "bond.set": self._bond_set,
            "lcore.mask": self._lcore_mask,
            "lcore.get": self._lcore_get,
            "lcore.stats": self._lcore_stats,
        }

    def _port(self, name: str, missing: int) -> Port:
        for port in self.path.ports:
            if port.name == name:
                return port
        raise DpvsError(missing)

    def _link_list(self, _ask: Fields) -> Value:
        return {"names": [port.name for port in self.path.ports]}

    def _link_get(self, ask: Fields) -> Value:
        return report.link(self.path, self._port(ask.text("dev"), errors.NOTEXIST))

    def _link_stats(self, ask: Fields) -> Value:
        return report.link_stats(self.path, self._port(ask.text("dev"), errors.NOTEXIST))

    def _link_xstats(self, ask: Fields) -> Value:
        port = self._port(ask.text("dev"), errors.NOTEXIST)
        return {"entries": report.link_xstats(port)}

    def _link_ext(self, ask: Fields) -> Value:
        return report.link_details(self.path, self._port(ask.text("dev"), errors.NOTEXIST))

    def _link_set(self, ask: Fields) -> Value:
        port = self._port(ask.text("dev"), errors.INVAL)
        item, on = ask.text("item"), ask.flag("on")
        self._log_link_set(port, item, on=on)
        if item in ("link", "addr", "allmulticast"):
            # Seen on the device: taken without an error, and without any effect.
            return {}
        if item not in ("promisc", "forward2kni", "tc_egress", "tc_ingress", "lldp"):
            raise DpvsError(errors.NOTSUPP)
        setattr(port, item, on)
        return {}

    def _bond(self, name: str, missing: int) -> Bond:
        bond = self.path.bonds.get(self._port(name, missing).index)
        if bond is None:
            raise DpvsError(errors.INVAL)
        return bond

    def _bond_get(self, ask: Fields) -> Value:
        return self._bond(ask.text("dev"), errors.NOTEXIST).status()

    def _bond_set(self, ask: Fields) -> Value:
        bond = self._bond(ask.text("dev"), errors.INVAL)
        if not bond.set(ask.text("item"), ask.text("value")):
            raise DpvsError(errors.NOTEXIST)
        return {}

    def _log_link_set(self, port: Port, item: str, *, on: bool) -> None:
        modes = {"promisc": "promiscuous mode", "forward2kni": "forward2kni mode"}
        modes["allmulticast"] = "allmulticast"
        if item in modes:
            text = f"[set_port] {modes[item]} for {port.name} {'enabled' if on else 'disabled'}"
            self.path.say("INFO", "NETIF", text)
        elif item == "link" and on:
            text = f"set {port.name} link up [ OK ] --- speed {port.speed}Mbps"
            self.path.say("INFO", "NETIF", f"{text} full-duplex fixed-neg")
        elif item == "link":
            self.path.say("WARNING", "NETIF", f"set {port.name} link down [ FAIL ] -- -95")

    def _lcore_mask(self, _ask: Fields) -> Value:
        settings = self.path.settings
        return {
            "master": settings.master,
            "kni": settings.kni_core or 0,
            "workers": list(settings.workers),
        }

    def _lcore_get(self, ask: Fields) -> Value:
        lcore = ask.number("lcore")
        if lcore not in self.path.lcores:
            raise DpvsError(errors.INVAL)
        return report.lcore(self.path, lcore)

    def _lcore_stats(self, ask: Fields) -> Value:
        lcore = ask.number("lcore")
        if lcore not in self.path.lcores:
            raise DpvsError(errors.INVAL)
        return report.lcore_stats(self.path, lcore, self.now)
