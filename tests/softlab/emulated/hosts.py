"""A host of namespaces with the emulated hardware under it, and a fabric at its links' far ends.

Made with unshare(1) and nothing of the lab, so that a failure here is the hardware's own.
"""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softlab.emulated import prepare

REPOSITORY = Path(__file__).resolve().parents[3]
NICS = ("eth0", "eth2", "eth3", "eth4", "eth5")
#: What sshd gives root.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS = 20.0


def mac(nic: str) -> str:
    return f"02:00:00:00:00:0{nic[-1]}"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


class PlayedHost:
    """lb01 alone: root, links, hardware. `fabric` is the namespace of the links' far ends."""

    def __init__(self, base: Path, *, nics: tuple[str, ...] = NICS, **spec: object) -> None:
        self.spec = spec
        self._processes: list[subprocess.Popen[str]] = []
        try:
            self.fabric = self._start("unshare", "--net", "sh", "-c", "echo; exec sleep 600").pid
            self._host = self._start(
                *("unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child"),
                *("--propagation", "private", "sh", "-c", self._script(base, nics)),
            )
            children = Path(f"/proc/{self._host.pid}/task/{self._host.pid}/children")
            self.pid = int(children.read_text().split()[0])
            prepare(Path(f"/proc/{self.pid}/root"), spec)
            self.hardware = subprocess.Popen(
                [
                    *(sys.executable, "-m", "softlab.emulated", "--root", f"/proc/{self.pid}/root"),
                    *("--netns-pid", str(self.pid), "--spec", json.dumps(spec)),
                ],
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._processes.append(self.hardware)
            assert self.hardware.stdout is not None
            self.said = self.hardware.stdout.readline()
        except BaseException:
            self.end()
            raise

    def _script(self, base: Path, nics: tuple[str, ...]) -> str:
        root = base / "root"
        links = "\n".join(
            f"link add {nic} address {mac(nic)} type veth peer name far-{nic} "
            f"netns /proc/{self.fabric}/ns/net\nlink set {nic} up"
            for nic in nics
        )
        return f"""
set -e
mount -t tmpfs host {base}
mkdir {base}/upper {base}/work {root}
mount -t overlay host -o lowerdir=/,upperdir={base}/upper,workdir={base}/work {root}
mount -t proc proc {root}/proc
mount -t sysfs sysfs {root}/sys
mount -t tmpfs run {root}/run
mount -t tmpfs dev {root}/dev
mknod -m 666 {root}/dev/null c 1 3
ip -batch - <<END
link set lo up
{links}
addr add 10.255.0.10/24 dev eth0
END
mkdir {root}/old
cd {root}
pivot_root . old
umount -l /old
ln -sf {_interpreter()} /usr/local/bin/python3
echo
exec sleep 600
"""

    def _start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "\n", f"{command} did not come up"
        return process

    def run(self, command: str) -> Done:
        """A command on the host, as root over ssh would run it."""
        return self._run(("nsenter", "-t", str(self.pid), "-a", "sh", "-c", command))

    def ok(self, command: str) -> str:
        """A command that must succeed; its output."""
        done = self.run(command)
        assert done.status == 0, f"{command}: status {done.status}\n{done.out}{done.err}"
        return done.out

    def on_fabric(self, command: str) -> str:
        """A command at the far ends of the links; it must succeed."""
        done = self._run(("nsenter", "-t", str(self.fabric), "-n", "sh", "-c", command))
        assert done.status == 0, f"{command}: status {done.status}\n{done.out}{done.err}"
        return done.out

    @staticmethod
    def _run(command: tuple[str, ...]) -> Done:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={"PATH": PATH, "LC_ALL": "C"},
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def connect(self) -> "Asker":
        """A connection to the hardware, as DPVS has one."""
        return Asker(f"/proc/{self.pid}/root/run/emulated.sock")

    def kill(self) -> None:
        """The host's end, by SIGKILL to its supervisor."""
        self._host.kill()
        self._host.wait(SECONDS)

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.communicate(timeout=SECONDS)


class Asker:
    """One connection to the emulated hardware."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(SECONDS)
        self.socket.connect(path)

    def ask(self, op: str, **values: object) -> dict[str, Any]:
        return self.ask_for_sockets(op, **values)[0]

    def ask_for_sockets(
        self, op: str, **values: object
    ) -> tuple[dict[str, Any], list[socket.socket]]:
        self.socket.sendall(json.dumps({"op": op, **values}).encode() + b"\n")
        data, received = b"", []
        while not data.endswith(b"\n"):
            part, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 64)
            assert part, f"the hardware hung up on {op}"
            data += part
            received += [socket.socket(fileno=one) for one in descriptors]
        return json.loads(data), received

    def close(self) -> None:
        self.socket.close()


def _interpreter() -> str:
    return os.path.realpath(sys.executable)
