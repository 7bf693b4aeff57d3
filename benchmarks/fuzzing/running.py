"""Feeds every target its share of the inputs, each within a bounded time."""

from __future__ import annotations

import random
import resource
import secrets
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzzing import targets
from benchmarks.fuzzing.targets import Target
from dpvs_acceptance.bringup.runner import BringUp
from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.hosts import lock, survey
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode
from dpvs_acceptance.hosts.snapshot import Snapshot, take
from dpvs_acceptance.observed.reading import dut_sections
from tests.safety.benched import benched
from tests.softlab.labs import Lab

INPUTS = 100_000
LONGEST = 1.0
"""Seconds of the processor that one input may take."""


MEMORY = 2 << 30


class _TooLongError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """`findings`: one line each, with the seed and number that make the input again."""

    inputs: int
    targets: int
    seed: int
    seconds: float
    slowest: tuple[float, str]
    findings: tuple[str, ...]

    def __str__(self) -> str:
        longest, where = self.slowest
        head = (
            f"{self.inputs} inputs to {self.targets} targets in {self.seconds:.0f} s, the slowest "
            f"{longest:.2f} s ({where}), seed {self.seed}: {len(self.findings)} findings"
        )
        return "\n".join([head, *(f"  {line}" for line in self.findings)])


def fuzz(inputs: int = INPUTS, seed: int | None = None) -> Fuzzed:
    """Starts a software lab for a moment, for what hosts really say, and feeds every target."""
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    seen = _of_a_lab()
    # What takes all memory is a finding, and not the end of the machine.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    every = [
        *targets.recorded(),
        *targets.sections(seen),
        *targets.compared(seen),
        *targets.lines_of_ip(),
        *targets.packets(),
        *targets.answers(),
    ]
    found: dict[tuple[str, str], str] = {}
    slowest, begin = (0.0, ""), time.process_time()
    for number in range(inputs):
        target = every[number % len(every)]
        rng = random.Random(f"{seed} {number}")  # noqa: S311 - to be made again, not to be secret
        data = target.make(rng)
        before = time.process_time()
        if (said := fed(target, data)) is not None:
            where, words = said
            found.setdefault((target.name, where), f"{target.name}: {words} (input {number})")
        slowest = max(slowest, (time.process_time() - before, target.name))
    seconds = time.process_time() - begin
    return Fuzzed(inputs, len(every), seed, seconds, slowest, tuple(found.values()))


def measure() -> Iterator[tuple[str, str, str]]:
    """For the table of all benchmarks; last, since it bounds the memory of this process."""
    found = fuzz()
    what = f"parsers fed with {found.inputs:,} mutated recordings and answers"
    yield what, "no finding, each under 1 s", str(found).replace("\n", "<br>").replace("|", "\\|")


def fed(target: Target, data: object) -> tuple[str, str] | None:
    """Where it went wrong, and how; None where it did not."""
    try:
        with _bounded():
            target.feed(data)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        shown = repr(data) if len(repr(data)) < 200 else f"{repr(data)[:200]}…"
        return where, f"{type(error).__name__} at {where}: {str(error)[:300]}: {shown}"
    return None


@contextmanager
def _bounded() -> Iterator[None]:
    def over(*_: object) -> None:
        raise _TooLongError(f"more than {LONGEST:g} s")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _of_a_lab() -> dict[str, Snapshot]:
    """The DUT with DPVS up, and a real server."""
    with tempfile.TemporaryDirectory(prefix="dpvs-fuzz-") as folder:
        lab = Lab(Path(folder))
        bench = benched(Path(folder))
        try:
            gates = {
                role: WriteGate(host, WriteMode.WRITABLE, run="fuzz")
                for role, host in bench.hosts.items()
            }
            lock.acquire_all(bench.hosts, "fuzzing")
            BringUp(gates).carry_out(bench.plan)
            declared = bench.deployment.bench
            facts = version_facts(Version.parse(declared.dut.dpvs.version))
            wanted = dut_sections(declared, bench.deployment.topology, facts)
            return {
                "dut": take(bench.hosts["dut"], wanted),
                "rs1": take(bench.hosts["rs1"], survey.real_server()),
            }
        finally:
            bench.close()
            lab.end()
