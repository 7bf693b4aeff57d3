"""Carries out a plan through the write gates, and undoes it. One round trip per stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context

from dpvs_acceptance.bringup.lasting import STAGES, lasting
from dpvs_acceptance.bringup.lifeline import KERNEL_LINES
from dpvs_acceptance.bringup.plan import Plan, Stage
from dpvs_acceptance.bringup.refusal import lacking_option
from dpvs_acceptance.dpvs.diagnosis import explanations
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import HostError, LockLostError
from dpvs_acceptance.hosts.gate import (
    Applied,
    Begun,
    Change,
    ChangeResult,
    WriteGate,
    first_failure,
)
from dpvs_acceptance.hosts.journal import Undone

Progress = Callable[[str], None]


class BringUpError(Exception):
    """A stage failed. The message names host, change, and the last output."""


class BringUp:
    """The changes of one run on all hosts. `gates` by role. Call `undo` after any result."""

    def __init__(
        self,
        gates: Mapping[str, WriteGate],
        progress: Progress = lambda _: None,
        standing: WriteGate | None = None,
        step: Callable[[str, str, str], None] = lambda _host, _words, _seen: None,
    ) -> None:
        """`standing`: the DUT's gate for stages that several runs share, see `lasting`. `progress`
        is called for each stage, `step` for the current change of a host with its last output,
        and without a change when the stage has ended."""
        self._step = step
        self._gates = gates
        self._standing = standing
        self._progress = progress
        self._readers_loaded = False
        self._ending = False
        self.undone: dict[str, list[Undone]] = {}
        """What `undo` did, by host, in its order."""
        self.refused: dict[str, str] = {}
        """Changes that DPVS's tools have no option for: id, and the command with its answer.

        If services depend on such a change, they were not tried.
        """

    def carry_out(self, plan: Plan) -> None:
        """Peers and DUT in parallel, stages of the DUT in order. Raises BringUpError."""
        roles = [[stage] for stage in plan.peers] + [list(plan.dut)]
        self._side_by_side(roles)

    def load_readers(self, plan: Plan) -> None:
        """The readers of the client's address, on every real server. Raises BringUpError."""
        self._side_by_side([[stage] for stage in plan.readers])
        self._readers_loaded = True

    def renew(self, plan: Plan, role: str) -> None:
        """Undo the changes of one host and make them again. Raises BringUpError, HostError."""
        stages = plan.stages if self._readers_loaded else plan.peers + plan.dut
        if left := self._undo_one(role):
            raise BringUpError("\n".join(left))
        if problem := self._chain([stage for stage in stages if stage.role == role]):
            raise BringUpError(problem)

    def undo(self) -> list[str]:
        """Undo everything on all hosts, also after a failure; returns failed undos, one line each.

        A host whose lock this run has lost is skipped without a line: the owner of the locks
        reports it. Failed undos stay in the journal on the host.
        """
        # DPVS ends first; nothing on the peers depends on it.
        with ThreadPoolExecutor(len(self._gates)) as pool:
            futures = [
                pool.submit(copy_context().run, self._undo_one, role) for role in self._gates
            ]
            return [line for future in futures for line in future.result()]

    def undo_standing(self) -> list[str]:
        """Undo the shared stages, after the last run."""
        return [] if self._standing is None else self._take_back(self._standing)

    def _undo_one(self, role: str) -> list[str]:
        return self._take_back(self._gates[role])

    def _take_back(self, gate: WriteGate) -> list[str]:
        try:
            undone = gate.undo()
            self.undone.setdefault(gate.host.name, []).extend(undone)
        except LockLostError:
            return []
        except HostError as error:
            return [f"{error}: its changes are still in its journal; run with --restore"]
        return [f"{gate.host.name}: {one.why}" for one in undone if not one.ok]

    def _side_by_side(self, chains: Sequence[Sequence[Stage]]) -> None:
        with ThreadPoolExecutor(max(1, len(chains))) as pool:
            # The transcript takes phase and check from the context, which new threads do not
            # inherit.
            futures = [pool.submit(copy_context().run, self._chain, chain) for chain in chains]
            try:
                problems = [problem for future in futures if (problem := future.result())]
            except BaseException:  # interrupted: what is under way is ended, and then undone
                self._ending = True
                while wait(futures, 0.5).not_done:
                    for gate in self._gates.values():
                        gate.host.give_up()
                raise
        if problems:
            raise BringUpError("\n".join(problems))

    def _chain(self, stages: Sequence[Stage]) -> str:
        for stage in stages:
            if not stage.changes or self._ending:
                continue
            gate, changes = self._gates[stage.role], stage.changes
            if self._standing is not None and stage.role == "dut":
                if stage.name in STAGES:
                    gate = self._standing
                else:
                    changes = lasting(changes)
            self._progress(f"{gate.host.name}: {stage.name}: {len(changes)} changes")
            try:
                applied = gate.apply(changes, self._steps(gate.host.name, stage.name))
                failed = first_failure(applied) or self._refuse(gate.host, applied)
            except HostError as error:
                return f"{stage.name}: {error}"
            finally:
                self._step(gate.host.name, "", "")
            if failed is not None:
                return self._failure(gate.host, failed)
            if any(not one.startswith("service.") for one in self.refused):
                break
        return ""

    def _failure(self, host: Host, failed: Applied) -> str:
        """Why the change failed: causes known of its output and of the kernel's log come first."""
        try:
            kernel = host.run(KERNEL_LINES, timeout=5.0).stdout.splitlines()
        except HostError:
            kernel = []
        lines = failed.output.splitlines()
        known = explanations([*lines, *kernel])
        words = f"{host.name}: {failed.change.title}: "
        return "\n".join(
            [
                words + (known[0] if known else failed.problem),
                *(f"    also: {one}" for one in known[1:]),
                *([f"    {failed.problem}"] if known else []),
                *(f"    {line}" for line in lines),
                *(f"    the kernel: {line.strip()}" for line in kernel),
            ]
        )

    def _steps(self, host: str, stage: str) -> Begun:
        """Reports the current change, for the progress output."""

        def begun(change: Change, watching: bool, seen: str) -> None:
            doing = f": waiting up to {change.timeout:g} s until it is visible" if watching else ""
            self._step(host, f"{stage}: {change.title}{doing}", seen)

        return begun

    def _refuse(self, host: Host, applied: Sequence[Applied]) -> Applied | None:
        """Records missing options of tools; returns the first change with another failure."""
        for one in applied:
            if one.outcome is not ChangeResult.FAILED:
                continue
            words = lacking_option(host, one.change.apply, one.output)
            if not words:
                return one
            self.refused[one.change.id] = words
        return None
