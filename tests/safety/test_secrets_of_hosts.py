"""Secrets that stand about on a bench: none of them is in anything that a run leaves or prints."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import journal, lock
from dpvs_acceptance.hosts.gate import WriteGate, WriteMode

from . import runs
from .benched import Benched

SECRET = "hunter2"
BIN = "/opt/dpvs/bin"
_PLANT = f"""
cp /etc/fstab /tmp/fstab
echo '//files/x /mnt cifs username=me,password={SECRET},noauto 0 0' >>/etc/fstab
printf '#!/bin/sh\\nexport https_proxy=http://me:{SECRET}@proxy:3128/\\n' >/etc/rc.local
chmod +x /etc/rc.local
mkdir {BIN}/real && mv {BIN}/dpvs {BIN}/real/dpvs
cat >{BIN}/dpvs <<'E'
#!/bin/sh
[ "$1" = -v ] && exec {BIN}/real/dpvs "$@"
echo 'vrrp_instance a {{ auth_type PASS auth_pass {SECRET} }}'
echo "cannot log in with --password={SECRET}: refused"
exit 1
E
chmod +x {BIN}/dpvs
(exec -a agent sleep 300 --password={SECRET} || exec sleep 300) >/dev/null 2>&1 </dev/null &
setsid sh -c 'sleep 300; : --password={SECRET}' >/dev/null 2>&1 </dev/null &
"""
_CLEAR = f"""
mv /tmp/fstab /etc/fstab; rm -f /etc/rc.local
mv {BIN}/real/dpvs {BIN}/dpvs; rmdir {BIN}/real
pkill -f 'sleep 30[0]'; :
"""


@pytest.fixture
def planted(bench: Benched) -> Iterator[Path]:
    dut = bench.hosts["dut"]
    assert dut.run(_PLANT).ok
    yield bench.deployment.bench.path
    assert dut.run(_CLEAR).ok


def test_none_of_them_gets_out(bench: Benched, planted: Path) -> None:
    assert bench.hosts["dut"].run(f"pgrep -f password={SECRET}").ok
    ran = runs.run(planted, "suites/platform/test_cpu_and_memory.py")
    assert "\nBLOCKED\n" in ran.stdout, ran.stdout[-3000:]
    assert "start dpvs" in ran.stdout
    assert "cannot log in with --password=[removed]" in ran.stdout
    assert SECRET not in ran.stdout + ran.stderr
    hidden = [base64.b64encode(f"{pad}{SECRET}".encode())[4:-4] for pad in ("aaa", "aa", "a")]
    for path in runs.directory(ran.stdout).rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for word in (SECRET.encode(), *hidden):
            assert word not in data, f"{path} has it"
    # The undo that stood on the host had it, in a file for root alone; that is gone with the run.
    assert not bench.hosts["dut"].run(f"ls -R {journal.ROOT}").ok


def test_the_journal_is_for_root_alone(bench: Benched) -> None:
    dut = bench.hosts["dut"]
    held = lock.acquire(dut, "the test")
    gate = WriteGate(dut, WriteMode.WRITABLE, run="modes")
    gate.apply(bench.changes("dut")[:1])
    try:
        mode = dut.run(f"stat -c %a {journal.ROOT}/journal {journal.ROOT}/journal/modes").stdout
        assert mode.split() == ["700", "700"]
    finally:
        gate.undo()
        held.release()
