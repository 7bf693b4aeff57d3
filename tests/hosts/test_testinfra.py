"""testinfra's own API over the one connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.hosts import transcript
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.hosts.errors import DeadlineError
from dpvs_acceptance.hosts.testinfra_backend import host_api

from .server import Server


def test_files_packages_processes_and_sockets(host: Host, server: Server, tmp_path: Path) -> None:
    api = host_api(host)
    path = tmp_path / "file with ' quote"
    path.write_text("Ünïcode\n")
    path.chmod(0o640)
    file = api.file(str(path))
    assert file.exists
    assert file.is_file
    assert (file.user, file.mode, file.size) == ("root", 0o640, 10)
    assert file.content_string == "Ünïcode\n"
    assert not api.file(str(tmp_path / "none")).exists
    assert api.package("openssh-server").is_installed
    assert not api.package("dpvs").is_installed
    assert api.process.filter(comm="sshd")
    assert api.socket(f"tcp://127.0.0.1:{server.port}").is_listening
    assert api.interface("lo").exists
    assert api.sysctl("net.ipv4.ip_forward") in (0, 1)
    assert api.system_info.type == "linux"


def test_commands_have_status_streams_and_arguments(host: Host) -> None:
    api = host_api(host)
    result = api.run("echo %s; echo err >&2; exit 5", "a 'b' $c")
    assert (result.rc, result.stdout, result.stderr) == (5, "a 'b' $c\n", "err\n")
    assert api.check_output("cat /proc/sys/kernel/ostype") == "Linux"


def test_goes_over_the_connection_and_into_the_transcript(
    host: Host, server: Server, shared_transcript: transcript.Transcript
) -> None:
    logins = server.log().count("Accepted publickey")
    before = len(transcript.read(shared_transcript.path))
    assert host_api(host).file("/etc/passwd").exists
    assert server.log().count("Accepted publickey") == logins
    assert len(transcript.read(shared_transcript.path)) > before


def test_has_a_deadline(host: Host, nap: str) -> None:
    with pytest.raises(DeadlineError, match=r"was not done in 0\.3 s"):
        host_api(host, timeout=0.3).run(f"sleep {nap}")
