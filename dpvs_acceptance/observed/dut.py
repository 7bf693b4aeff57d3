"""State of the device under test: the machine, and DPVS on it."""

from __future__ import annotations

from pathlib import PurePosixPath

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.processes import Process
from dpvs_acceptance.hosts.snapshot import SnapshotError, SnapshotReader
from dpvs_acceptance.observed.dpvs import DpvsState
from dpvs_acceptance.observed.machine import MachineState


class DutState(MachineState, DpvsState):
    """The state in one complete snapshot of the DUT."""

    def __init__(self, snapshot: SnapshotReader) -> None:
        super().__init__(snapshot)

    @property
    def then(self) -> DutState:
        """The same state, for checks that mean the time of the snapshot."""
        return self

    @property
    def dpvs_process(self) -> Process:
        """The dpvs process; SnapshotError unless there is exactly one."""
        if len(self.processes) != 1:
            pids = [process.pid for process in self.processes]
            raise SnapshotError(f"expected one dpvs process on the DUT, seen {pids or 'none'}")
        return self.processes[0]

    def kni_probe(self, facts: VersionFacts) -> str:
        """The probe for kni support, as text."""
        if facts.kni_kind == "virtio-user":
            return f"kni needs /dev/vhost-net: {self.vhost_net or 'missing'}"
        return f"kni needs the module rte_kni: modinfo finds {[*self.module_infos] or 'none'}"

    def can_make_kni(self, facts: VersionFacts) -> bool:
        """Whether this machine supports kni devices of this version."""
        if facts.kni_kind == "virtio-user":
            return self.has_vhost_net or self._has_module_file("vhost_net")
        return "rte_kni" in self.modules or self._has_module_file("rte_kni")

    def _has_module_file(self, module: str) -> bool:
        """Whether modinfo finds the module, by name or by the path in the bench."""
        return any(PurePosixPath(asked).stem == module for asked in self.module_infos)
