"""DPVS's keepalived in the hands of a check: its configuration, its processes, what it makes.

A check declares services of its own; keepalived takes them over by a reload, next to those of the
topology, and their real servers are servers that the check controls.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dpvs_acceptance.bringup import keepalived
from dpvs_acceptance.bringup.keepalived_conf import render_keepalived
from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.hosts.snapshot import SnapshotError
from dpvs_acceptance.model.health import Health, Sorry
from dpvs_acceptance.model.service import DeclaredService, Target
from dpvs_acceptance.traffic.backend import Backend, Kind, Mode, backend
from dpvs_acceptance.verdict.causes import NotTested

from .load_balancer import LoadBalancer
from .parts import Parts
from .real_server import RealServer
from .service import Service

READING = "ipvsadm -ln"
READINGS = 5
SLACK = 1.0
"""Seconds by which a reading may see a change late."""
SORRY = "sorry"
LINES = 6


@dataclass(frozen=True, slots=True)
class KeptService:
    """A service that keepalived made for a check. backends: by the name of the real server."""

    service: Service
    backends: Mapping[str, Backend]
    sorry: Backend | None = None

    @property
    def health(self) -> Health:
        assert self.service.declared.health is not None
        return self.service.declared.health


class Keepalived:
    """The keepalived that configured the topology. What a check changes of it is undone."""

    def __init__(self, lb: LoadBalancer, parts: Parts) -> None:
        self._lb = lb
        self._parts = parts

    # -- its configuration

    def take_over(self, services: Sequence[DeclaredService]) -> None:
        """Write these services behind those of the topology, and have keepalived reload."""
        deployment = self._parts.deployment
        declared = deployment.services
        words = ", ".join(one.name for one in services) or "no other service"
        self._parts.tools.change(
            f"keepalived.conf with {words}",
            keepalived.reload(
                deployment,
                render_keepalived(deployment, (*declared, *services)),
                (*declared, *services),
            ),
            keepalived.reload(deployment, render_keepalived(deployment, declared), declared),
        )

    def reload(self) -> None:
        """SIGHUP, with the file as it is."""
        self._parts.tools.change(
            "SIGHUP to keepalived", f"kill -HUP $(cat {keepalived.PID_FILE})", ":"
        )

    def end(self) -> None:
        """End it in good order; it is started again when the check ends."""
        deployment = self._parts.deployment
        ready = keepalived.among(deployment, deployment.services)
        self._parts.tools.change(
            "end keepalived",
            keepalived.stop(),
            f"({keepalived.start(deployment)}); n=0; until {ready} || [ $n -gt 100 ]; "
            "do n=$((n+1)); sleep 0.1; done",
        )

    def like(
        self,
        base: Service | DeclaredService,
        health: Health | None,
        *,
        weights: Sequence[int] = (),
        names: Sequence[str] = (),
        **declared: object,
    ) -> DeclaredService:
        """A service like another on a port of its own, which its real servers have too.

        names, weights: its real servers (default: those of the topology, weight 1).
        """
        model = base.declared if isinstance(base, Service) else base
        port = next(self._parts.service_ports)
        chosen = names or [target.name for target in model.real_servers]
        targets = tuple(
            Target(name=name, port=port, weight=weight)
            for name, weight in zip(chosen, weights or [1] * len(chosen), strict=True)
        )
        changed = {"name": f"{model.name}-{port}", "port": port, "health": health}
        return model.model_copy(update={**changed, "real_servers": targets, **declared})

    @contextmanager
    def keeping(
        self, *services: DeclaredService, kind: Kind = "http", begin: Mode = "answers"
    ) -> Iterator[list[KeptService]]:
        """In the context, the real servers of these services are servers of the check's own, and
        keepalived has taken the services over. begin: how they behave at first."""
        with ExitStack() as stack:
            made = [self._kept(stack, service, kind) for service in services]
            for one in made:
                for server in one.backends.values():
                    server.behave(begin)
            self.take_over(services)
            yield made

    def _kept(self, stack: ExitStack, service: DeclaredService, kind: Kind) -> KeptService:
        family = service.server_family
        backends = {
            target.name: self._backend(stack, target.name, family, target.port, kind)
            for target in service.real_servers
        }
        sorry = service.health.sorry_server if service.health else None
        own = None if sorry is None else self._sorry(stack, sorry, family)
        return KeptService(Service(service, self._parts), backends, own)

    def _sorry(self, stack: ExitStack, sorry: Sorry, family: int) -> Backend:
        made = self._backend(stack, sorry.name, family, sorry.port, "http")
        made.behave("answers", body=SORRY)
        return made

    def _backend(self, stack: ExitStack, name: str, family: int, port: int, kind: Kind) -> Backend:
        server = RealServer(name, self._parts)
        address = str(server.address_of(family))
        return stack.enter_context(backend(server.station, address, port, kind))

    def spare_port(self) -> int:
        """A port that no service of the run has."""
        return next(self._parts.service_ports)

    # -- what it makes

    def weights(self, kept: KeptService | Service) -> dict[str, int]:
        """Of the service in DPVS now: the weight of each listed real server, `ADDRESS:PORT`."""
        service = kept.service if isinstance(kept, KeptService) else kept
        for left in reversed(range(READINGS)):
            try:
                listed = self._lb.read(READING).service(service.declared)
            except SnapshotError:
                # It fails while a real server comes or goes (docs/findings.md, 25).
                if not left:
                    raise
            else:
                break
        return {} if listed is None else {str(s.endpoint): s.weight for s in listed.servers}

    def after(self, kept: KeptService, wanted: dict[str, int], within: float) -> float:
        """Seconds until the service has these real servers and weights.

        AssertionError if it has not within so many seconds and SLACK.
        """
        begun = time.monotonic()
        seen = self.weights(kept)
        while seen != wanted:
            taken = time.monotonic() - begun
            assert taken <= within + SLACK, (
                f"{kept.service}: {wanted} expected within {within:g} s, after {taken:.1f} s it "
                f"still has {seen}\nthe last lines of keepalived's log:\n{self._log}"
            )
            seen = self.weights(kept)
        return time.monotonic() - begun

    @property
    def _log(self) -> str:
        return self._lb.shell.run(f"tail -n {LINES} {keepalived.LOG}", timeout=10).stdout

    def end_of(self, kept: KeptService, name: str) -> str:
        """A real server of the service as ipvsadm lists it."""
        return kept.service.target(kept.service.server_names.index(name))

    def end_at(self, kept: KeptService, name: str, port: int) -> str:
        """A port of a real server, as ipvsadm lists it."""
        address = RealServer(name, self._parts).address_of(kept.service.declared.server_family)
        assert address is not None, "the cross-checks require it"
        return commands.end(address, port)

    def begin_file(self, path: str) -> None:
        """An empty file on the device, for what scripts write; it goes when the check ends."""
        self._parts.tools.change(f"empty {path}", f": >{path}", f"rm -f {path}")

    # -- its processes

    @property
    def parent(self) -> int:
        """Its first process; 0 where there is none."""
        return self._pid(keepalived.PID_FILE)

    @property
    def checkers(self) -> int:
        """Its checker process; 0 where there is none."""
        return self._pid(keepalived.CHECKERS_PID_FILE)

    def _pid(self, file: str) -> int:
        if not self._parts.tools.writable:
            raise NotTested("the pid files of a keepalived that this run did not start are unknown")
        text = f'pid=$(cat {file}) && kill -0 "$pid" && echo "$pid"'
        done = self._lb.shell.run(text, timeout=10)
        return int(done.stdout.strip() or 0) if done.exit_status == 0 else 0

    def kill_checkers(self) -> None:
        """SIGKILL to its checker process."""
        self._parts.tools.change(
            "kill keepalived's checker process",
            f"kill -9 $(cat {keepalived.CHECKERS_PID_FILE})",
            # Where it was not replaced by itself, a reload does it.
            f"kill -HUP $(cat {keepalived.PID_FILE})",
        )
