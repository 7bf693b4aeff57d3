"""The one ssh connection to a host: an OpenSSH master process that cannot outlive the runner."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from .diagnose import explain
from .errors import ConnectionLostError, HostError

# Said by ssh itself (LocalCommand) when the login is done and the control socket listens.
_READY = b"ready\n"

# Keeps the master, and the folder of its socket, tied to the runner: when the pipe on stdin closes,
# as it does however the runner ends, SIGKILL included, the master is ended and the folder removed.
# The signal of a parent's death (prctl) would not do: it comes when the *thread* that started the
# child ends.
_GUARD = """\
folder=$1; shift
exec 3<&0 </dev/null
"$@" & master=$!
{ cat <&3; kill "$master"; } >/dev/null 2>&1 & guard=$!
exec >/dev/null
wait "$master"; status=$?
kill "$guard" 2>/dev/null
rm -rf -- "$folder"
exit "$status"
"""

# A unix socket's path holds 107 bytes; ssh puts 17 more behind it while it creates the socket.
_LONGEST_FOLDER = 80


class Master:
    """Started at once, ready after `wait_ready`; `control` is the path of its control socket."""

    def __init__(
        self, host: str, target: str, ssh_config: Path | None, connect_timeout: float
    ) -> None:
        self.host = host
        self._target = target
        self._ssh_config = ssh_config
        folder = _private_folder()
        self.control = folder / "s"
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        ssh = ssh_command(target, ssh_config, self.control, connect_timeout)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "ssh-guard", str(folder), *ssh],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            # Ctrl-C reaches every process of the terminal's group: undoing needs the connection.
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )

    def wait_ready(self, deadline: float) -> None:
        """Until the login is done; `deadline` on the monotonic clock. Raises HostError."""
        stdout = self._process.stdout
        assert stdout is not None
        said = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while _READY not in said:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise HostError(self.host, self._explain("Connection timed out"))
                data = os.read(stdout.fileno(), 4096)
                if not data:
                    self.close()
                    raise HostError(self.host, self._explain(self.stderr()))
                said += data

    def alive(self) -> bool:
        return self._process.poll() is None

    def lost(self) -> ConnectionLostError:
        """The error for a connection that ended by itself, with what ssh said about it."""
        # The socket closes a moment before the process is gone with its last words.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        said = self.stderr()
        reason = explain(said, self._target, self._ssh_config) if said else "the connection is gone"
        return ConnectionLostError(self.host, reason)

    def stderr(self) -> str:
        if self._stderr.closed:
            return self._last_words
        data = os.pread(self._stderr.fileno(), 65536, 0)
        return data.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End the connection and everything that belongs to it on this side. May be repeated."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
            shutil.rmtree(self.control.parent, ignore_errors=True)
        process.stdout.close()
        self._last_words = self.stderr()
        self._stderr.close()

    def _explain(self, said: str) -> str:
        return explain(said, self._target, self._ssh_config)


def ssh_command(
    target: str, ssh_config: Path | None, control: Path, connect_timeout: float
) -> list[str]:
    """The master's command line: the user's own configuration, but for what a run depends on.

    Options on the command line come before any file's. Host keys are checked whatever the
    configuration says, and no file of the user's is written.
    """
    options = {
        "ControlMaster": "yes",
        "ControlPath": str(control),
        "ControlPersist": "no",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "ConnectTimeout": str(max(1, round(connect_timeout))),
        "ConnectionAttempts": "1",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "2",
        "LogLevel": "INFO",
        "PermitLocalCommand": "yes",
        "LocalCommand": f"echo {_READY.decode().strip()}",
        "RemoteCommand": "none",
        "RequestTTY": "no",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ClearAllForwardings": "yes",
        "EscapeChar": "none",
    }
    command = ["ssh", "-N", "-T"]
    if ssh_config is not None:
        command += ["-F", str(ssh_config)]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    return [*command, "--", target]


def _private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dpvs-"))
    if len(str(folder)) > _LONGEST_FOLDER:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="dpvs-", dir="/tmp"))  # mode 0700
    return folder
