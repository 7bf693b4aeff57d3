"""Connecting, not being able to connect, and losing the connection: one clear sentence each."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dpvs_acceptance.hosts import transcript
from dpvs_acceptance.hosts.connecting import connect, connect_all
from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.errors import ConnectionLostError, HostsError

from .proxy import Proxy
from .server import Server, free_port, keygen, processes, reconfigured, wait_gone

StartServer = Callable[..., Server]


def _refused(config: Path, **options: float) -> str:
    with pytest.raises(HostError) as caught:
        connect("lb01", "lb01", config, **options)  # type: ignore[arg-type]
    assert str(caught.value).startswith("lb01: ")
    assert "\n" not in str(caught.value)
    return caught.value.what


def test_all_hosts_at_once(server: Server, tmp_path: Path) -> None:
    with transcript.Transcript(tmp_path) as kept:
        hosts = connect_all({"a": "lb01", "b": "lb01", "c": "root@lb01"}, server.ssh_config, kept)
        try:
            assert list(hosts) == ["a", "b", "c"]
            assert [host.run("echo $((6*7))").stdout for host in hosts.values()] == ["42\n"] * 3
        finally:
            for host in hosts.values():
                host.close()
    kinds = [(entry["host"], entry["kind"]) for entry in transcript.read(kept.path)]
    assert kinds == [(h, "connect") for h in "abc"] + [(h, "run") for h in "abc"]


def test_one_connection_serves_every_command(server: Server) -> None:
    before = server.log().count("Accepted publickey")
    with connect("lb01", "lb01", server.ssh_config) as host:
        for _ in range(5):
            host.run("true")
        with host.open("cat"):
            pass
    assert server.log().count("Accepted publickey") == before + 1


def test_port_that_refuses(server: Server, tmp_path: Path) -> None:
    port = free_port()
    what = _refused(reconfigured(server, tmp_path, port=port))
    assert f"127.0.0.1 port {port} refuses the connection" in what
    assert "start sshd" in what


def test_name_that_does_not_resolve() -> None:
    with pytest.raises(HostError) as caught:
        connect("lb01", "no-such-host.invalid")
    assert "no-such-host.invalid does not resolve" in caught.value.what
    assert "bench file" in caught.value.what


def test_host_key_not_known(server: Server, tmp_path: Path) -> None:
    config = reconfigured(server, tmp_path, known="")
    what = _refused(config)
    assert "unknown host key" in what
    assert f"`ssh -F {config} lb01 true`" in what


def test_host_key_changed(server: Server, tmp_path: Path) -> None:
    keygen("ed25519", tmp_path / "other")
    other = (tmp_path / "other.pub").read_text()
    config = reconfigured(server, tmp_path, known=f"[127.0.0.1]:{server.port} {other}")
    what = _refused(config)
    assert "another host key than the known one" in what
    assert f"{tmp_path}/known_hosts:1" in what


@pytest.mark.parametrize("weaker", ["no", "accept-new", "ask"])
def test_host_keys_are_checked_whatever_the_configuration_says(
    server: Server, tmp_path: Path, weaker: str
) -> None:
    config = reconfigured(server, tmp_path, known="", more=f"StrictHostKeyChecking {weaker}\n")
    assert "unknown host key" in _refused(config)
    assert (tmp_path / "known_hosts").read_text() == ""


def test_key_that_is_not_accepted(server: Server, tmp_path: Path) -> None:
    keygen("ed25519", tmp_path / "stranger")
    config = reconfigured(server, tmp_path, more=f"IdentityFile {tmp_path}/stranger\n")
    config.write_text(config.read_text().replace(f"IdentityFile {server.folder}/user_key", ""))
    what = _refused(config)
    assert "requires a password" in what  # sshd's default offers it
    assert "ssh-copy-id" in what


def test_key_that_is_not_accepted_where_no_password_is(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(extra="PasswordAuthentication no\nKbdInteractiveAuthentication no\n")
    (server.folder / "user_key.pub").write_text("")
    what = _refused(server.ssh_config)
    assert "accepts none of your keys" in what
    assert "authorized_keys" in what


def test_host_that_never_answers(server: Server, tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        config = reconfigured(server, tmp_path, port=deaf.getsockname()[1])
        begin = time.monotonic()
        what = _refused(config, timeout=1.0)
        assert time.monotonic() - begin < 4
        assert "no answer within the time allowed" in what


def test_what_answers_is_not_sshd(server: Server, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = reconfigured(server, tmp_path, port=listener.getsockname()[1])
        pid = os.fork()
        if pid == 0:
            connection, _ = listener.accept()
            connection.close()
            os._exit(0)
        what = _refused(config, timeout=2.0)
        os.waitpid(pid, 0)
        assert "closed the connection before the login" in what


def test_configuration_that_ssh_refuses(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("Hots lb01\n")
    what = _refused(config)
    assert "ssh refuses its configuration" in what
    assert str(config) in what
    assert "ssh refuses its configuration" in _refused(tmp_path / "missing")


@pytest.mark.parametrize("target", ["", "-oProxyCommand=id", "lb 01", "lb01\nx", "lb01\0"])
def test_what_is_not_a_destination_never_reaches_ssh(target: str) -> None:
    with pytest.raises(HostError, match="is not an ssh destination"):
        connect("lb01", target)


def test_several_failures_are_told_together(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HostsError) as caught:
        connect_all({"lb01": "lb01", "rs1": "rs1.invalid", "rs2": "rs2.invalid"}, server.ssh_config)
    assert caught.value.host == "rs1, rs2"
    assert [error.host for error in caught.value.errors] == ["rs1", "rs2"]
    assert "rs2.invalid does not resolve" in str(caught.value)
    wait_gone(str(server.ssh_config), 3)


def test_users_own_settings_do_not_get_in_the_way(server: Server, tmp_path: Path) -> None:
    more = (
        "RemoteCommand echo user\nRequestTTY force\nLogLevel QUIET\nPermitLocalCommand no\n"
        "LocalCommand false\nControlMaster auto\nControlPath none\nLocalForward 1 localhost:1\n"
        "EscapeChar ~\nServerAliveInterval 0\n"
    )
    with connect("lb01", "lb01", reconfigured(server, tmp_path, more=more)) as host:
        assert host.run("echo ours").stdout == "ours\n"


def test_login_shell_that_is_no_shell_of_ours(start_server: StartServer, tmp_path: Path) -> None:
    """It knows words and single quotes only, as all shells agree on, and expands nothing else."""
    shell = tmp_path / "odd-shell"
    shell.write_text(
        f"#!{sys.executable}\n"
        "import os, shlex, sys\n"
        "assert sys.argv[1] == '-c', sys.argv\n"
        "print('Welcome to the odd shell'); print('noise', file=sys.stderr)\n"
        "sys.stdout.flush(); sys.stderr.flush()\n"
        "words = shlex.split(sys.argv[2])\n"
        "assert words.pop(0) == 'exec'\n"
        "os.execvp(words[0], words)\n"
    )
    shell.chmod(0o755)
    server = start_server(shell=str(shell))
    with connect("lb01", "lb01", server.ssh_config) as host:
        result = host.run('echo "$0"; echo err >&2; cat', stdin=b"in")
        assert (result.stdout, result.stderr) == ("/bin/sh\nin", "err\n")
        with host.open("echo open") as channel:
            assert channel.stdout.read() == b"open\n"
        assert channel.stderr_text() == ""


def test_rc_file_that_prints_does_not_matter(start_server: StartServer) -> None:
    server = start_server()
    (server.home / ".bashrc").write_text("echo Welcome; echo to lb01 >&2; cd /usr\n")
    with connect("lb01", "lb01", server.ssh_config) as host:
        result = host.run("echo out; echo err >&2")
        assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_account_that_may_not_log_in(start_server: StartServer) -> None:
    server = start_server(shell="/usr/sbin/nologin")
    with (
        connect("lb01", "lb01", server.ssh_config) as host,
        pytest.raises(HostError, match=r"login shell did not run the command.*not available"),
    ):
        host.run("true")


def test_locale_of_the_session_is_not_the_commands(start_server: StartServer) -> None:
    server = start_server(extra="SetEnv LC_ALL=de_DE.UTF-8 LANGUAGE=de LANG=de_DE.UTF-8")
    with connect("lb01", "lb01", server.ssh_config) as host:
        result = host.run('echo "$LC_ALL/${LANGUAGE-unset}"; ls /nowhere')
        assert result.stdout == "C/unset\n"
        assert "No such file" in result.stderr


def test_connection_black_holed_in_the_middle_of_a_command(
    proxied: tuple[Path, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpvs_acceptance.hosts.connection.ASK_AGAIN", 0.5)
    config, proxy = proxied
    with connect("lb01", "lb01", config) as host:
        assert host.run("echo well").stdout == "well\n"
        proxy.swallow()
        begin = time.monotonic()
        with pytest.raises(ConnectionLostError) as caught:
            host.run("echo lost", timeout=0.5)
        assert time.monotonic() - begin < 3
        assert "stopped answering while `echo lost` ran" in caught.value.what


def test_connection_that_the_host_ends(start_server: StartServer) -> None:
    server = start_server()
    with connect("lb01", "lb01", server.ssh_config) as host:
        channel = host.open("cat")
        host.run("sleep 0; echo up")
        server.stop()
        begin = time.monotonic()
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                host.run("echo lost")
        with pytest.raises(ConnectionLostError):
            channel.wait(5)
        assert not host.connected()
        assert time.monotonic() - begin < 3


def test_reconnecting(start_server: StartServer) -> None:
    server = start_server()
    with connect("lb01", "lb01", server.ssh_config) as host:
        host.close()
        with pytest.raises(ConnectionLostError):
            host.run("true")
        host.reconnect()
        assert host.run("echo again").stdout == "again\n"


def test_closing_leaves_nothing(server: Server) -> None:
    with connect("lb01", "lb01", server.ssh_config) as host:
        folder = host._master.control.parent
        assert folder.exists()
        assert processes(str(folder))
    assert not folder.exists()
    assert not processes(str(folder))
    host.close()


_RUNNER = """
import os, pathlib, sys
from dpvs_acceptance.hosts.connecting import connect
host = connect("lb01", "lb01", pathlib.Path(sys.argv[1]))
channel = host.open("exec cat")
print(host._master.control.parent, flush=True)
host.run(f"sleep {os.environ['NAP']}", timeout=1.5)
"""


def test_killed_runner_leaves_nothing(server: Server, nap: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(server.ssh_config)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NAP": nap},
    ) as runner:
        assert runner.stdout is not None
        folder = Path(runner.stdout.readline().strip())
        assert folder.exists()
        deadline = time.monotonic() + 5
        while not processes(nap) and time.monotonic() < deadline:
            time.sleep(0.02)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    deadline = time.monotonic() + 3
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()
    wait_gone(str(folder), 1)
    # The host ends the command by itself, at its deadline at the latest.
    wait_gone(nap, 3)


def test_failure_to_connect_is_in_the_transcript(tmp_path: Path) -> None:
    with transcript.Transcript(tmp_path) as kept, pytest.raises(HostError):
        connect("lb01", "no-such-host.invalid", None, kept)
    (entry,) = transcript.read(kept.path)
    assert entry["kind"] == "connect"
    assert "does not resolve" in entry["error"]
    assert json.dumps(entry)


def test_host_prints_as_itself(host: Host) -> None:
    assert repr(host) == "Host('lb01', 'lb01')"
