"""Hosts that are not like this machine: bash as /bin/sh (CentOS), an account that needs sudo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import compare, facts, journal, lock, netfacts, survey
from dpvs_acceptance.hosts.batch import Read, batch
from dpvs_acceptance.hosts.connecting import connect, connect_all
from dpvs_acceptance.hosts.connection import HostError
from dpvs_acceptance.hosts.errors import DeadlineError
from dpvs_acceptance.hosts.gate import Change, WriteGate, WriteMode, first_failure
from dpvs_acceptance.hosts.snapshot import take

from .server import Server, wait_gone

StartServer = Callable[..., Server]


def test_bash_as_sh(start_server: StartServer, tmp_path: Path, nap: str) -> None:
    server = start_server(sh="/bin/bash")
    with connect("lb01", "lb01", server.ssh_config) as host:
        assert host.run('echo "${BASH_VERSION:+bash}"; exit 3').stdout == "bash\n"
        with pytest.raises(DeadlineError):
            host.run(f"trap '' TERM; sleep {nap}; sleep {nap}", timeout=0.3)
        wait_gone(nap, 0.5)
        sections = batch(
            host,
            {
                "hangs": Read("sleep 9", timeout=0.2, group="a"),
                "silent": Read("echo", group="a"),
                "plain": Read("echo p; exit 2", timeout=None),
            },
        )
        assert [one.exit_status for one in sections.values()] == [124, 124, 2]
        before = take(host, survey.dut(survey.DutPaths()))
        assert netfacts.net_devices(before.text("net devices"))
        assert facts.numa_nodes(before.text("numa"))
        with lock.acquire(host, "alice"), pytest.raises(lock.Locked):
            lock.acquire(host, "bob")
        held = lock.acquire(host, "alice")
        path = tmp_path / "made"
        gate = WriteGate(host, WriteMode.WRITABLE, run="run")
        change = Change(
            id="make",
            title="make a file",
            done=f"[ -e {path} ]",
            undo=f"rm -f {path}",
            apply=f"touch {path}",
        )
        assert first_failure(gate.apply([change, change])) is None
        assert [entry.id for entry in journal.leftovers(host)[0].entries] == ["make"]
        assert [one.ok for one in gate.undo()] == [True]
        held.release()
        assert not path.exists()
        assert compare.differences(before, take(host, survey.dut(survey.DutPaths()))) == ()


_SUDO = """#!/bin/sh
[ "$1 $2 $3 $4" = "-n -- /bin/sh -c" ] || exit 99
[ -e {permit} ] || {{ echo "sudo: a password is required" >&2; exit 1; }}
shift 2
AS_ROOT=yes exec "$@"
"""


def test_sudo_where_the_bench_says_so(start_server: StartServer, tmp_path: Path, nap: str) -> None:
    """A stand-in for sudo, which this machine need not have, notes how it is called."""
    permit, bin_folder = tmp_path / "permit", tmp_path / "bin"
    bin_folder.mkdir()
    sudo = bin_folder / "sudo"
    sudo.write_text(_SUDO.format(permit=permit))
    sudo.chmod(0o755)
    server = start_server(extra=f"SetEnv PATH={bin_folder}:/usr/bin:/bin")
    hosts = connect_all({"lb01": "lb01", "rs1": "lb01"}, server.ssh_config, sudo={"lb01"})
    try:
        with pytest.raises(HostError, match=r"sudo did not run the command.*password is required"):
            hosts["lb01"].run("true")
        permit.touch()
        assert hosts["lb01"].run('echo "$AS_ROOT"; cat', stdin=b"in").stdout == "yes\nin"
        assert hosts["rs1"].run('echo "$AS_ROOT"').stdout == "\n"
        with hosts["lb01"].open('echo "$AS_ROOT"') as channel:
            assert channel.stdout.read() == b"yes\n"
        with pytest.raises(DeadlineError):
            hosts["lb01"].run(f"sleep {nap}", timeout=0.3)
        wait_gone(nap, 0.5)
    finally:
        for host in hosts.values():
            host.close()
