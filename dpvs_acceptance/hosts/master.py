"""The ssh connection to a host: an OpenSSH master process that ends with the runner."""

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

# Printed by ssh (LocalCommand) after the login, when the control socket listens.
_READY = b"ready\n"

# Ends the master and removes the directory of its socket when the pipe on stdin closes, which
# happens however the runner ends, also by SIGKILL. prctl's parent death signal is not suitable: it
# is sent when the *thread* that started the child ends.
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

# A unix socket's path has at most 107 bytes; ssh appends 17 bytes while creating it.
_LONGEST_FOLDER = 80


class Master:
    """Starts on construction, ready after `wait_ready`; `control`: path of its control socket."""

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
            # Ctrl-C would reach this process too, but the undo needs the connection.
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )

    def wait_ready(self, deadline: float) -> None:
        """Wait for the login; `deadline`: monotonic clock. Raises HostError."""
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
        """The error for a connection that ended by itself, with ssh's message."""
        # The socket closes shortly before the process ends with its last message.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        said = self.stderr()
        reason = explain(said, self._target, self._ssh_config) if said else "the connection is lost"
        return ConnectionLostError(self.host, reason)

    def stderr(self) -> str:
        if self._stderr.closed:
            return self._last_words
        data = os.pread(self._stderr.fileno(), 65536, 0)
        return data.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Close the connection and everything that belongs to it on the runner. May be repeated."""
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
    """The master's command line: the user's configuration, except for options that a run needs.

    Options on the command line override those in files. Host keys are always checked, and no file
    of the user is changed.
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
