"""Keys made for one run, the sshd of each host, and the ssh_config by which it is reached."""

import shlex
import subprocess
from pathlib import Path
from typing import Final

from softlab.root import PACKAGE, interpreter
from softlab.spec import HOSTS, LabHost

#: PATH of a session, and of everything that the lab starts on a host.
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLIENT_KEY: Final = "id_ed25519"
SSH_CONFIG: Final = "ssh_config"
KNOWN_HOSTS: Final = "known_hosts"
#: On a host: sshd's configuration and keys.
HOST_DIRECTORY: Final = Path("/run/softlab")


class KeygenError(Exception):
    """ssh-keygen refused to make a key."""


def host_key(host: LabHost) -> str:
    """The file name of a host's private key in the lab's directory."""
    return f"host_{host.name}_ed25519"


class KeyMaker:
    """Makes all keys in the background, as nothing else at the start of a lab needs them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = [
            subprocess.Popen(
                [
                    *("ssh-keygen", "-q", "-t", "ed25519", "-N", ""),
                    *("-C", f"softlab {name}", "-f", str(directory / name)),
                ],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in (CLIENT_KEY, *(host_key(host) for host in HOSTS))
        ]

    def wait(self) -> None:
        """Wait for the keys and write known_hosts. Raises KeygenError."""
        for process in self._running:
            _, errors = process.communicate()
            if process.returncode != 0:
                raise KeygenError(f"ssh-keygen failed: {errors.strip()}")
        lines = []
        for host in HOSTS:
            kind, key, _ = (self._directory / f"{host_key(host)}.pub").read_text().split(None, 2)
            lines.append(f"{host.name},{host.management} {kind} {key}\n")
        (self._directory / KNOWN_HOSTS).write_text("".join(lines))


def client_config(directory: Path, fabric_pid: int, fabric_inode: int) -> str:
    """The ssh_config of a lab whose fabric is the network namespace of `fabric_pid`."""
    door = shlex.join([str(interpreter()), "-I", "-S", str(PACKAGE / "door.py")])
    text = [
        "# Written by softlab for one run; it is of no use once that lab is gone.",
        f"Host {' '.join(host.name for host in HOSTS)}",
        "    User root",
        f"    IdentityFile {_quoted(directory / CLIENT_KEY)}",
        "    IdentitiesOnly yes",
        "    IdentityAgent none",
        "    PreferredAuthentications publickey",
        f"    UserKnownHostsFile {_quoted(directory / KNOWN_HOSTS)}",
        "    GlobalKnownHostsFile /dev/null",
        "    StrictHostKeyChecking yes",
        "    UpdateHostKeys no",
        # The default exchange since 9.0 is post-quantum and costs some 10 ms on either side.
        "    KexAlgorithms curve25519-sha256",
        f"    ProxyCommand {door.replace('%', '%%')} {fabric_pid} {fabric_inode} %h %p",
        "    ProxyUseFdpass yes",
        "",
    ]
    for host in HOSTS:
        text += [
            f"Host {host.name}",
            f"    HostName {host.management}",
            f"    HostKeyAlias {host.name}",
            "",
        ]
    return "\n".join(text)


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'


def server_config(host: LabHost) -> str:
    """The sshd_config of a host: root by key, on the management link only."""
    return "\n".join(
        [
            f"ListenAddress {host.management}:22",
            f"HostKey {HOST_DIRECTORY / 'ssh_host_ed25519_key'}",
            f"AuthorizedKeysFile {HOST_DIRECTORY / 'authorized_keys'}",
            "PidFile /run/sshd.pid",
            "UsePAM no",
            "PermitRootLogin prohibit-password",
            "AuthenticationMethods publickey",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "StrictModes no",
            "UseDNS no",
            "PrintMotd no",
            "PrintLastLog no",
            "MaxSessions 64",
            "MaxStartups 100",
            f"SetEnv PATH={PATH}",
            "Subsystem sftp internal-sftp",
            "",
        ]
    )


def install(root: Path, directory: Path, host: LabHost) -> None:
    """Lay sshd's files into a host's root, before it is entered."""
    inside = root / HOST_DIRECTORY.relative_to("/")
    inside.mkdir(mode=0o755, parents=True, exist_ok=True)
    (root / "run/sshd").mkdir(mode=0o755)
    (inside / "sshd_config").write_text(server_config(host))
    key = inside / "ssh_host_ed25519_key"
    key.touch(mode=0o600)
    key.write_bytes((directory / host_key(host)).read_bytes())
    (inside / "authorized_keys").write_bytes((directory / f"{CLIENT_KEY}.pub").read_bytes())
