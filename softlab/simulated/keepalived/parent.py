"""The first process: it starts the checker process, passes signals on, and replaces it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from softlab.simulated import quirks
from softlab.simulated.keepalived import child
from softlab.simulated.keepalived.pool import misbehaviour
from softlab.simulated.tools.client import Device

_PR_SET_PDEATHSIG = 1
_SIGNALS = {signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def say(text: str) -> None:
    """A line of the log, on standard error."""
    sys.stderr.write(f"{time.ctime()}: {text}\n")
    sys.stderr.flush()


def run(path: str, pid_file: str, checkers_pid_file: str) -> int:
    """Until SIGTERM; the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    files = Path(pid_file), Path(checkers_pid_file)
    files[0].write_text(f"{os.getpid()}\n", encoding="ascii")
    checker = _start(path, files[1])
    status = 0
    while True:
        got = signal.sigwait(_SIGNALS)
        if got == signal.SIGHUP:
            if checker:
                os.kill(checker, signal.SIGHUP)
            else:
                checker = _start(path, files[1])
        elif got == signal.SIGCHLD:
            if checker and os.waitpid(checker, os.WNOHANG)[0] == checker:
                say(f"Healthcheck child process({checker}) died: Respawning")
                one = quirks.KEEPALIVED_ONE_CHILD in misbehaviour(Device())
                checker = 0 if one else _start(path, files[1])
        elif got in (signal.SIGTERM, signal.SIGINT):
            if checker:
                os.kill(checker, signal.SIGTERM)
                os.waitpid(checker, 0)
            break
    for file in files:
        file.unlink(missing_ok=True)
    say("Stopped Keepalived")
    return status


def _start(path: str, pid_file: Path) -> int:
    pid = os.fork()
    if pid:
        pid_file.write_text(f"{pid}\n", encoding="ascii")
        say(f"Starting Healthcheck child process, pid={pid}")
        return pid
    # As the real one: without its parent the checker process does not go on.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    try:
        child.run(path, say)
    except BaseException as error:
        say(f"{type(error).__name__}: {error}")
    os._exit(1)
