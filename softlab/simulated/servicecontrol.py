"""The control plane's messages about services, servers, local addresses and connections."""

from __future__ import annotations

from softlab.simulated import errors, quirks, report
from softlab.simulated.core import DataPath
from softlab.simulated.errors import DpvsError
from softlab.simulated.fields import Fields
from softlab.simulated.ports import Port
from softlab.simulated.services import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value


class ServiceControl:
    """Handlers by the name of the message."""

    def __init__(self, path: DataPath) -> None:
        self.path = path
        self.handlers = {
            "svc.add": self._svc_add,
            "svc.edit": self._svc_edit,
            "svc.del": self._svc_del,
            "svc.flush": self._svc_flush,
            "svc.zero": self._svc_zero,
            "svc.list": self._svc_list,
            "svc.get": self._svc_get,
            "dest.add": self._dest_add,
            "dest.edit": self._dest_edit,
            "dest.del": self._dest_del,
            "laddr.add": self._laddr_add,
            "laddr.del": self._laddr_del,
            "laddr.list": self._laddr_list,
            "conn.list": self._conn_list,
        }

    def _port(self, name: str) -> Port:
        for port in self.path.ports:
            if port.name == name:
                return port
        raise DpvsError(errors.NOTEXIST)

    def _service(self, ask: Fields, missing: int) -> Service:
        service = self.path.services.get(ask.number("proto"), ask.raw("vip"), ask.number("vport"))
        if service is None:
            raise DpvsError(missing)
        return service

    def _svc_add(self, ask: Fields) -> Value:
        try:
            service = self.path.services.add(
                ask.number("proto"), ask.raw("vip"), ask.number("vport"), ask.text("scheduler")
            )
        except DpvsError as error:
            if error.code == errors.NOTEXIST:
                for _ in (self.path.settings.master, *self.path.workers):
                    text = "dp_vs_service_add: scheduler not found."
                    self.path.say("WARNING", "SERVICE", text)
            raise
        self._set_options(service, ask)
        return {}

    def _set_options(self, service: Service, ask: Fields) -> None:
        service.conn_timeout = ask.number("conn_timeout")
        service.proxy, service.dest_check = ask.text("proxy"), ask.text("dest_check")

    def _svc_edit(self, ask: Fields) -> Value:
        service = self._service(ask, errors.INVAL)
        if ask.text("scheduler"):
            service.set_scheduler(ask.text("scheduler"))
        self._set_options(service, ask)
        return {}

    def _svc_del(self, ask: Fields) -> Value:
        self.path.services.remove(self._service(ask, errors.INVAL))
        self._say_deleted()
        return {}

    def _svc_flush(self, _ask: Fields) -> Value:
        for _ in self.path.services.all():
            self._say_deleted()
        self.path.services.clear()
        return {}

    def _say_deleted(self) -> None:
        self.path.say("DEBUG", "SERVICE", "dp_vs_service_put: delete svc.")

    def _svc_zero(self, ask: Fields) -> Value:
        if ask.raw("vip"):
            self._service(ask, errors.INVAL).zero()
        else:
            for service in self.path.services.all():
                service.zero()
        return {}

    def _lcores_of(self, ask: Fields) -> tuple[int, ...]:
        """Whose counts are meant: all workers for index 0, else the one of that index."""
        index = ask.number("index")
        if index == 0:
            return self.path.workers
        if not 0 < index <= len(self.path.workers):
            raise DpvsError(errors.INVAL)
        return (self.path.workers[index - 1],)

    def _svc_list(self, ask: Fields) -> Value:
        lcores = self._lcores_of(ask)
        listed = [report.service(svc, lcores) for svc in self.path.services.all()]
        if self.path.quirks.has(quirks.SAVE_OPTIONS):
            listed = [{**row, "saved_timeout": row["conn_timeout"]} for row in listed]
        return {"services": listed}

    def _svc_get(self, ask: Fields) -> Value:
        service = self.path.services.get(ask.number("proto"), ask.raw("vip"), ask.number("vport"))
        if service is None:
            self.path.say("ERR", "SERVICE", "dp_vs_service_get: send message fail.")
            raise DpvsError(errors.MSG_FAIL)
        return report.service(service, self._lcores_of(ask))

    def _dest_add(self, ask: Fields) -> Value:
        service = self._service(ask, errors.INVAL)
        service.add_dest(
            ask.raw("rs"),
            ask.number("rport"),
            ask.number("weight"),
            ask.number("max_conn"),
            ask.number("min_conn"),
            ask.text("forward"),
        )
        return {}

    def _dest_edit(self, ask: Fields) -> Value:
        service = self._service(ask, errors.INVAL)
        service.edit_dest(
            ask.raw("rs"),
            ask.number("rport"),
            ask.number("weight"),
            ask.number("max_conn"),
            ask.number("min_conn"),
            ask.text("forward"),
        )
        return {}

    def _dest_del(self, ask: Fields) -> Value:
        service = self._service(ask, errors.INVAL)
        service.remove_dest(ask.raw("rs"), ask.number("rport"))
        return {}

    def _laddr_add(self, ask: Fields) -> Value:
        service = self._service(ask, errors.NOSERV)
        port = self._port(ask.text("dev"))
        service.add_laddr(ask.raw("lip"), port.index)
        return {}

    def _laddr_del(self, ask: Fields) -> Value:
        self._service(ask, errors.NOSERV).remove_laddr(ask.raw("lip"))
        return {}

    def _laddr_list(self, ask: Fields) -> Value:
        service = self._service(ask, errors.NOSERV)
        lcores = self._lcores_of(ask)
        return {
            "laddrs": [
                {"addr": laddr.addr, "conns": sum(laddr.conns[lcore] for lcore in lcores)}
                for laddr in service.laddrs
            ]
        }

    def _conn_list(self, _ask: Fields) -> Value:
        return {"connections": report.connections(self.path)}
