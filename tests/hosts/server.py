"""A real sshd on loopback, in mount and PID namespaces of its own: a host to run tests against.

What is written below /run and /var/lib there is gone with it; root's home is an empty folder and
root's login shell what the test says.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

_SETUP = r"""
set -e
folder=$1 home=$2 shell=$3 sh=$4
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd "$folder/over"
mount -t tmpfs tmpfs "$folder/over"
mkdir "$folder/over/upper" "$folder/over/work"
mount -t overlay overlay \
  -o "lowerdir=/var/lib,upperdir=$folder/over/upper,workdir=$folder/over/work" /var/lib
sed "s|^root:.*|root:x:0:0:root:$home:$shell|" /etc/passwd >"$folder/passwd"
mount --bind "$folder/passwd" /etc/passwd
[ -z "$sh" ] || mount --bind "$sh" "$(readlink -f /bin/sh)"
exec /usr/sbin/sshd -D -e -f "$folder/sshd_config"
"""

_ALONE = [
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private"),
    *("--pid", "--mount-proc", "--fork", "--kill-child"),
]

_SSHD_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
UsePAM no
StrictModes no
LogLevel VERBOSE
MaxStartups 100
{extra}
"""

_SSH_CONFIG = """\
Host {name}
    HostName 127.0.0.1
    Port {port}
    User root
    IdentityFile {folder}/user_key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile none
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`name` is what ssh is given, with `ssh_config`; `host_pid` the sshd's, seen from here."""

    def __init__(
        self,
        folder: Path,
        name: str = "lb01",
        *,
        shell: str = "/bin/bash",
        sh: str = "",
        extra: str = "",
    ) -> None:
        """`shell`: root's login shell; `sh`: what /bin/sh is there, if not this machine's own."""
        self.folder = folder
        self.name = name
        self.port = free_port()
        self.home = folder / "home"
        self.home.mkdir()
        self.ssh_config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        for key in ("host_key", "user_key"):
            keygen("ed25519", folder / key)
        self.config("127.0.0.1", self.port)
        (folder / "sshd_config").write_text(
            _SSHD_CONFIG.format(port=self.port, folder=folder, extra=extra)
        )
        self._log = (folder / "sshd.log").open("wb")
        self._process = subprocess.Popen(
            [*_ALONE, "/bin/sh", "-c", _SETUP, "setup", str(folder), str(self.home), shell, sh],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._wait_for_banner()

    def config(self, address: str, port: int) -> None:
        """Write the client's configuration: where the host is, and its key as a known one."""
        self.ssh_config.write_text(
            _SSH_CONFIG.format(name=self.name, port=port, folder=self.folder).replace(
                "127.0.0.1", address
            )
        )
        key = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[{address}]:{port} {key}")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def _wait_for_banner(self) -> None:
        deadline = time.monotonic() + 10
        last: object = None
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    connection.settimeout(1)
                    last = connection.recv(100)
                    if last:
                        return
            except OSError as exc:
                last = exc
            time.sleep(0.01)
        self.stop()
        raise AssertionError(f"sshd did not come up: {last!r}\n{self.log()}")


def reconfigured(
    server: Server,
    folder: Path,
    *,
    port: int | None = None,
    known: str | None = None,
    more: str = "",
) -> Path:
    """The server's ssh_config with another port, known_hosts or more options."""
    port = port or server.port
    known_hosts = folder / "known_hosts"
    key = (server.folder / "host_key.pub").read_text()
    known_hosts.write_text(f"[127.0.0.1]:{port} {key}" if known is None else known)
    config = folder / "ssh_config"
    config.write_text(
        more
        + server.ssh_config.read_text()
        .replace(str(server.known_hosts), str(known_hosts))
        .replace(f"Port {server.port}", f"Port {port}")
    )
    return config


def keygen(kind: str, path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path)], check=True
    )


def processes(marker: str) -> list[int]:
    """Pids of all processes, in any PID namespace below, with `marker` among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker.encode() in arguments:
                found.append(int(entry.name))
    return found


def wait_gone(marker: str, seconds: float) -> None:
    """Until no process has `marker` among its arguments; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := processes(marker)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"still running after {seconds} s: {left}"
