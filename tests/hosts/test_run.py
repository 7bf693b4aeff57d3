"""Commands on a host: what arrives there, what comes back, and what happens when it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from dpvs_acceptance.hosts.connection import Host, HostError
from dpvs_acceptance.hosts.errors import DeadlineError
from dpvs_acceptance.hosts.exchange import MAX_OUTPUT
from dpvs_acceptance.hosts.shell import sh

from .server import Server, processes, wait_gone


def test_result_has_both_streams_and_the_status(host: Host) -> None:
    result = host.run("echo out; echo err >&2; exit 7")
    assert (result.stdout, result.stderr, result.exit_status) == ("out\n", "err\n", 7)
    assert (result.host, result.command) == ("lb01", "echo out; echo err >&2; exit 7")
    assert abs(result.started - time.time()) < 5
    assert 0 < result.seconds < 5


@pytest.mark.parametrize("status", [0, 1, 124, 137, 255])
def test_every_exit_status_is_a_result(host: Host, status: int) -> None:
    assert host.run(f"exit {status}").exit_status == status


def test_command_is_sh_text_of_any_shape(host: Host) -> None:
    command = """cat <<'END'
it's $HOME "quoted" `back` \\ticks !bang %percent {brace}
END
printf '%s|' "a  b" 'c\\d'"""
    assert host.run(command).stdout == (
        'it\'s $HOME "quoted" `back` \\ticks !bang %percent {brace}\na  b|c\\d|'
    )


def test_stdin_reaches_the_command_alone_and_whole(host: Host) -> None:
    data = os.urandom(3_000_000)
    result = host.exchange("cat", timeout=10, stdin=data)
    assert result.stdout == data
    assert host.run("cat").stdout == ""


def test_command_longer_than_an_argument_may_be(host: Host) -> None:
    text = "x" * 400_000
    assert host.run(f"echo {text} | wc -c").stdout.strip() == "400001"


def test_random_bytes_come_back_as_text_that_can_be_printed(host: Host) -> None:
    data = os.urandom(100_000)
    raw = host.exchange("cat; cat >&2 </dev/null", timeout=10, stdin=data)
    assert raw.stdout == data
    result = host.run("cat", stdin=data)
    assert result.stdout == data.decode("utf-8", "replace")
    result.stdout.encode("utf-8")


def test_locale_is_c_whatever_the_session_has(host: Host) -> None:
    assert host.run("ls /does-not-exist").stderr.endswith("No such file or directory\n")
    assert host.run('echo "$LC_ALL"').stdout == "C\n"


def test_sbin_is_in_path(host: Host) -> None:
    folders = host.run('echo "$PATH"').stdout.strip().split(":")
    assert {"/usr/sbin", "/sbin", "/usr/local/sbin"} <= set(folders)


def test_no_command_shows_in_the_process_list(host: Host) -> None:
    seen = host.run("secret=hunter2; cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    assert "sshd" in seen
    assert "hunter2" not in seen


def test_command_that_hangs_is_ended_on_the_host_too(host: Host, nap: str) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineError) as caught:
        host.run(f"echo begun; sleep {nap} & sleep {nap}", timeout=0.5)
    assert time.monotonic() - begin < 3
    assert caught.value.host == "lb01"
    assert "was not done in 0.5 s" in caught.value.what
    assert "its last output: begun" in caught.value.what
    wait_gone(nap, 0.5)


def test_command_that_refuses_the_signal_is_killed(host: Host, nap: str) -> None:
    with pytest.raises(DeadlineError):
        host.run(f"trap '' TERM; sleep {nap}; sleep {nap}; sleep {nap}", timeout=0.3)
    wait_gone(nap, 0.5)


def test_the_connection_serves_on_after_a_timeout(host: Host, nap: str) -> None:
    with pytest.raises(HostError):
        host.run(f"sleep {nap}", timeout=0.1)
    assert host.run("echo well").stdout == "well\n"


def test_output_without_end_is_cut_off(host: Host) -> None:
    begin = time.monotonic()
    with pytest.raises(HostError, match="printed more than 16 MB"):
        host.run("yes dpvs", timeout=60)
    assert time.monotonic() - begin < 30
    assert host.run("echo well").stdout == "well\n"


def test_output_just_below_the_cap_comes_whole(host: Host) -> None:
    size = MAX_OUTPUT - 1000
    raw = host.exchange(f"head -c {size} /dev/zero; echo end >&2", timeout=60)
    assert (len(raw.stdout), raw.stderr, raw.exit_status) == (size, b"end\n", 0)


def test_daemon_that_holds_the_output_is_told_as_such(host: Host, nap: str) -> None:
    with pytest.raises(HostError, match="still has its output open"):
        host.run(f"sleep {nap} & echo started", timeout=1)
    pids = processes(nap)
    assert pids
    for pid in pids:
        os.kill(pid, 9)


def test_daemon_with_its_own_output_lives_on(host: Host, nap: str) -> None:
    begin = time.monotonic()
    host.run(f"setsid sleep {nap} </dev/null >/dev/null 2>&1 &", timeout=5)
    assert time.monotonic() - begin < 1.5
    pids = processes(nap)
    assert pids
    for pid in pids:
        os.kill(pid, 9)


def test_many_threads_share_the_connection(host: Host) -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = host.run(f"echo {number}; sleep 0.1").stdout

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: f"{n}\n" for n in range(20)}


def test_nul_cannot_be_sent(host: Host) -> None:
    with pytest.raises(ValueError, match="NUL"):
        host.run("echo \0")


def test_quoting_keeps_values_values(host: Host) -> None:
    values = ["a b", "$(id)", "`id`", "';id;'", '"', "\\", "\n", "-n", "*", "~root", "é", ""]
    for value in values:
        assert host.run(sh("printf %s {}", value)).stdout == value
    with pytest.raises(ValueError, match="NUL"):
        sh("echo {}", "\0")


_RUNNER = """
import os, pathlib, sys
from dpvs_acceptance.hosts.connecting import connect
from dpvs_acceptance.hosts.connection import HostError
with connect("lb01", "lb01", pathlib.Path(sys.argv[1])) as host:
    try:
        print(host.run(f"sleep {os.environ['NAP']}", timeout=1.0))
    except HostError as error:
        print(error)
"""


def test_host_that_notices_the_deadline_first(server: Server, nap: str) -> None:
    """On a runner that gets no time, the host's own `timeout` speaks first: the same outcome."""
    runner = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(server.ssh_config)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NAP": nap},
    )
    deadline = time.monotonic() + 5
    while not processes(nap) and time.monotonic() < deadline:
        time.sleep(0.01)
    runner.send_signal(signal.SIGSTOP)
    wait_gone(nap, 3)
    runner.send_signal(signal.SIGCONT)
    said, _ = runner.communicate(timeout=10)
    assert f"`sleep {nap}` was not done in 1 s" in said
