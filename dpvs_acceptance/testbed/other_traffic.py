"""Whether the services carry traffic of others: what a check counts would then include it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpvs_acceptance.model.declared import Address
from dpvs_acceptance.model.topology import DeclaredService
from dpvs_acceptance.verdict.causes import NotTested

STATS = "ipvsadm -ln --stats"


@dataclass(frozen=True, slots=True)
class OtherTraffic:
    """connections: by VIP and port, those that a service counted and this run did not make."""

    connections: Mapping[str, int]

    def require_none(self, *services: DeclaredService) -> None:
        """Raises NotTested where one of these services carries other traffic."""
        counted = {one.name: self.connections.get(key(one.vip, one.port), 0) for one in services}
        found = [f"{name} ({count} connections)" for name, count in counted.items() if count]
        if found:
            raise NotTested(f"other traffic on {', '.join(found)}: rerun when the service is idle")


def key(vip: Address, port: int) -> str:
    """As services are named in the stored evidence."""
    return f"[{vip}]:{port}"
