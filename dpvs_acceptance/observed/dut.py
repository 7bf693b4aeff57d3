"""The device under test at one moment: the machine, and DPVS on it."""

from __future__ import annotations

from pathlib import PurePosixPath

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.hosts.processes import Process
from dpvs_acceptance.hosts.snapshot import SnapshotError, SnapshotReader
from dpvs_acceptance.observed.dpvs import DpvsState
from dpvs_acceptance.observed.machine import MachineState


class DutState(MachineState, DpvsState):
    """Everything that one whole snapshot of the DUT says."""

    def __init__(self, snapshot: SnapshotReader) -> None:
        super().__init__(snapshot)

    @property
    def then(self) -> DutState:
        """The same, for who means the DUT as it was at that moment, whatever it is now."""
        return self

    @property
    def dpvs_process(self) -> Process:
        """The dpvs process; SnapshotError where there is not exactly one."""
        if len(self.processes) != 1:
            pids = [process.pid for process in self.processes]
            raise SnapshotError(f"one dpvs process is expected on the DUT, seen {pids or 'none'}")
        return self.processes[0]

    def kni_probe(self, facts: VersionFacts) -> str:
        """What showed whether kni devices can be made here."""
        if facts.kni_kind == "virtio-user":
            return f"kni needs /dev/vhost-net: {self.vhost_net or 'it is not there'}"
        return f"kni needs the module rte_kni: modinfo knows {[*self.module_infos] or 'none'}"

    def can_make_kni(self, facts: VersionFacts) -> bool:
        """Whether kni devices of this version can exist on this machine."""
        if facts.kni_kind == "virtio-user":
            return self.has_vhost_net or self._has_module_file("vhost_net")
        return "rte_kni" in self.modules or self._has_module_file("rte_kni")

    def _has_module_file(self, module: str) -> bool:
        """Whether modinfo knows the module, by its name or by the path the bench gives."""
        return any(PurePosixPath(asked).stem == module for asked in self.module_infos)
