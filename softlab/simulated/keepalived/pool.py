"""A virtual server as keepalived keeps it in DPVS: its real servers, quorum, sorry server."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

from softlab.simulated import errors, quirks
from softlab.simulated.dests import FULLNAT
from softlab.simulated.keepalived.conf import RealServer, VirtualServer, packed
from softlab.simulated.tools.client import Device, Refused, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from softlab.simulated.wire import Value

Place = tuple[str, int]
"""Of a real server: address and port."""


class Pool:
    """One virtual server in the device. Not safe for threads: the caller has a lock."""

    def __init__(self, declared: VirtualServer, device: Device, say: Callable[[str], None]) -> None:
        self.declared = declared
        self.alive: dict[Place, bool] = {}
        self.weights: dict[Place, int] = {}
        self.quorum = False
        self.sorry_alive = False
        self._device = device
        self._say = say

    def start(self) -> None:
        """Put it into the device, as far as it is not there."""
        vs = self.declared
        self._do("svc.add", scheduler=vs.scheduler, conn_timeout=vs.conn_timeout)
        for lip, device in vs.laddrs:
            self._laddr(lip, device, adding=True)
        for server in vs.servers:
            self._begin(server)
        self._judge_quorum(first=True)

    def _begin(self, server: RealServer) -> None:
        place = server.addr, server.port
        alpha = self.declared.alpha and not self._wrong(quirks.KEEPALIVED_ALPHA)
        self.alive[place] = not (alpha and server.checkers)
        self.weights[place] = server.weight
        if self.alive[place]:
            self._dest(server, self.weights[place], present=True)
        elif server.inhibit:
            self._dest(server, 0, present=True)

    def end(self) -> None:
        """Take it out of the device."""
        if self.declared.omega:
            self._run(self.declared.quorum_down)
        self.leave()

    def leave(self) -> None:
        """Take it out of the device, without scripts."""
        for server in self.declared.servers:
            self._dest(server, 0, present=False)
        for lip, device in self.declared.laddrs:
            self._laddr(lip, device, adding=False)
        self._do("svc.del")

    def change(self, declared: VirtualServer) -> None:
        """Make of it what the new file declares; what is the same stays as it is."""
        was, self.declared = self.declared, declared
        removes = not self._wrong(quirks.KEEPALIVED_KEEPS)
        if (was.scheduler, was.conn_timeout) != (declared.scheduler, declared.conn_timeout):
            self._do("svc.edit", scheduler=declared.scheduler, conn_timeout=declared.conn_timeout)
        for laddr in declared.laddrs:
            if laddr not in was.laddrs:
                self._laddr(*laddr, adding=True)
        for laddr in was.laddrs:
            if removes and laddr not in declared.laddrs:
                self._laddr(*laddr, adding=False)
        old = {(one.addr, one.port): one for one in was.servers}
        new = {(one.addr, one.port): one for one in declared.servers}
        for place, server in old.items():
            if place not in new and removes:
                self._dest(server, 0, present=False)
                del self.alive[place], self.weights[place]
        for place, server in new.items():
            if place not in self.alive:
                self._begin(server)
            elif server.weight != old[place].weight:
                self.weights[place] = server.weight
                if self.alive[place]:
                    self._dest(server, server.weight, present=True)
        self._judge_quorum()

    def weigh(self, server: RealServer, weight: int) -> None:
        """A check gives it this weight."""
        place = server.addr, server.port
        if self.weights.get(place, weight) != weight:
            self._say(f"Changing weight from {self.weights[place]} to {weight} of {server.addr}")
            self.weights[place] = weight
            if self.alive[place]:
                self._dest(server, weight, present=True)
            self._judge_quorum()

    def set_alive(self, server: RealServer, alive: bool) -> None:
        """All of its checks succeed, or one does not."""
        place = server.addr, server.port
        if self.alive.get(place, alive) == alive:
            return
        self.alive[place] = alive
        words = (
            ("Enabling" if server.inhibit else "Adding")
            if alive
            else ("Disabling" if server.inhibit else "Removing")
        )
        self._say(f"{words} service {server.addr}:{server.port} of VS {self.declared}")
        if not self.sorry_alive:
            self._in_pool(server, alive)
        self._judge_quorum()

    def _in_pool(self, server: RealServer, alive: bool) -> None:
        inhibit = server.inhibit and not self._wrong(quirks.KEEPALIVED_INHIBIT)
        weight = self.weights[server.addr, server.port] if alive else 0
        self._dest(server, weight, present=alive or inhibit)

    def _judge_quorum(self, *, first: bool = False) -> None:
        vs = self.declared
        total = sum(self.weights[place] for place, alive in self.alive.items() if alive)
        margin = 0 if self._wrong(quirks.KEEPALIVED_HYSTERESIS) else vs.hysteresis
        if not self.quorum and total >= vs.quorum + margin:
            self.quorum = True
            self._say(f"Gained quorum {vs.quorum}+{margin} <= {total} for VS {vs}")
            if vs.sorry is not None and self.sorry_alive:
                self.sorry_alive = False
                self._alive_servers(present=True)
                if not self._wrong(quirks.KEEPALIVED_SORRY):
                    self._dest(vs.sorry, 0, present=vs.sorry.inhibit)
            self._run(vs.quorum_up)
        elif (self.quorum and (not total or total < vs.quorum - margin)) or (
            first and not self.quorum
        ):
            self.quorum = False
            self._say(f"Lost quorum {vs.quorum}-{margin} > {total} for VS {vs}")
            if vs.sorry is not None and not self.sorry_alive:
                self.sorry_alive = True
                self._dest(vs.sorry, vs.sorry.weight, present=True)
                self._alive_servers(present=False)
            self._run(vs.quorum_down)

    def _alive_servers(self, *, present: bool) -> None:
        for server in self.declared.servers:
            if self.alive[server.addr, server.port]:
                self._in_pool(server, present)

    def _dest(self, server: RealServer, weight: int, *, present: bool) -> None:
        fields: Value = {
            "rs": packed(server.addr),
            "rport": server.port,
            "weight": weight,
            "max_conn": 0,
            "min_conn": 0,
            "forward": FULLNAT,
        }
        if not present:
            self._do("dest.del", **fields)
        elif not self._do("dest.add", **fields):
            self._do("dest.edit", **fields)

    def _laddr(self, lip: str, device: str, *, adding: bool) -> None:
        addr = packed(lip)
        # The address stays in the device while another service has it: the tools do the same.
        if adding or not self._shared(addr):
            place: Value = {"addr": addr, "plen": len(addr) * 8, "scope": "global", "dev": device}
            self._set("addr.add" if adding else "addr.del", {**place, "sapool": True})
        self._do("laddr.add" if adding else "laddr.del", lip=addr, dev=device)

    def _shared(self, addr: bytes) -> bool:
        users = 0
        for row in rows(self._device.get("svc.list", index=0), "services"):
            asked = {"proto": row["proto"], "vip": row["vip"], "vport": row["vport"], "index": 0}
            laddrs = rows(self._device.get("laddr.list", **asked), "laddrs")
            users += any(one["addr"] == addr for one in laddrs)
        return users > 1

    def _do(self, op: str, **fields: object) -> bool:
        vs = self.declared
        return self._set(
            op, {**fields, "proto": vs.proto, "vip": packed(vs.addr), "vport": vs.port}
        )

    def _set(self, op: str, fields: Value) -> bool:
        try:
            self._device.set(op, **fields)
        except Refused as refused:
            if refused.code not in (errors.EXIST, errors.NOTEXIST):
                self._say(f"IPVS cmd {op} error: {refused}({refused.code})")
            return False
        return True

    def _run(self, script: str) -> None:
        if script:
            self._say(f"Executing [{script}] for VS {self.declared}")
            subprocess.run(shlex.split(script), check=False, timeout=10)

    def _wrong(self, point: str) -> bool:
        return point in misbehaviour(self._device)


def misbehaviour(device: Device) -> frozenset[str]:
    """The quirks that the device has now; none while it does not answer."""
    try:
        return frozenset(str(device.get("quirks.list").get("names", "")).split(","))
    except Refused:
        return frozenset()
