"""A dpvs that does not start: the bring-up says how it ended, why, and where to look."""

from __future__ import annotations

import pytest

from dpvs_acceptance.bringup.plan import Plan
from dpvs_acceptance.bringup.runner import BringUp, BringUpError
from dpvs_acceptance.hosts import lock
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode

from .benched import Benched, planned

HOME = "/opt/failing"
_CAUSE = "too few hugepages on at least one NUMA node"


@pytest.mark.parametrize(
    ("ends", "cause", "how"),
    [
        (
            "echo 'EAL: Error - exiting with code: 1' >&2; "
            "echo '  Cause: Cannot init mbuf pool on socket 1' >&2; exit 1",
            f"no memory for the packet buffers of NUMA node 1: {_CAUSE}",
            "dpvs has ended with exit status 1",
        ),
        ("kill -SEGV $$", "dpvs was ended by SIGSEGV: a crash", "by signal SIGSEGV"),
        ("kill -ILL $$", "instructions that this CPU does not have", "-Dplatform=generic"),
        ("exit 3", "dpvs has ended with exit status 3", "last output is above"),
    ],
)
def test_the_cause_is_named(bench: Benched, ends: str, cause: str, how: str) -> None:
    lb = bench.hosts["dut"]
    lb.run(
        f"mkdir -p {HOME}/bin; printf '#!/bin/sh\\nexit 1\\n' >{HOME}/bin/dpip; "
        f"cat >{HOME}/bin/dpvs <<'END'\n#!/bin/sh\n{ends}\nEND\nchmod +x {HOME}/bin/*"
    )
    found = bench.deployment.bench
    dpvs = found.dut.dpvs.model_copy(update={"home": HOME})
    dut = found.dut.model_copy(update={"dpvs": dpvs})
    _, plan = planned(found.model_copy(update={"dut": dut}), "fnat-two-arm")
    start = tuple(stage for stage in plan.dut if stage.name == "dpvs")
    held = lock.acquire(lb, "the test")
    bring_up = BringUp({"dut": WriteGate(lb, WriteMode.WRITABLE, run="failing")})
    try:
        with pytest.raises(BringUpError) as failed:
            bring_up.carry_out(Plan((), start, ()))
    finally:
        assert bring_up.undo() == []
        assert lock.release_all([held]) == []
        lb.run(f"rm -rf {HOME}")
    words = str(failed.value)
    assert cause in words.splitlines()[0], words
    assert how in words
