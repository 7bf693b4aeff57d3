"""Starts the virtual machine inside the lab, and waits until its sshd answers."""

import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from softlab import ssh
from softlab.guest import machine, seed
from softlab.guest.image import Image
from softlab.host import HostError
from softlab.spec import LabHost, LabSpec

#: In a lab's directory: the disk that the guest writes to, the tar of its first boot, and what the
#: guest's kernel says.
FILES: Final = ("lb01.qcow2", "lb01.tar", "lb01.console")
#: Seconds until sshd answers. On two idle cores without KVM it is some 40.
BOOT_SECONDS: Final = 300.0
_ASKED_SECONDS: Final = 60.0


def start(spec: LabSpec, host: LabHost, directory: Path, image: Image) -> subprocess.Popen[bytes]:
    """Start QEMU on the taps of this network namespace; its words go to lab.log. HostError."""
    disk, tar, _ = (directory / name for name in FILES)
    seed.write(tar, spec, host, directory)
    made = subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(disk)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise HostError(f"{host.name}: qemu-img: {made.stderr.strip()}")
    command = machine.command(
        spec.nics,
        (f"{host.name}-m", host.mac(0)),
        {nic.name: f"{host.name}-{nic.name}" for nic in spec.nics},
        machine.Disks(image.kernel, image.initrd, disk, tar),
        directory,
        accelerator=image.accelerator,
        second=spec.device == "simulated",
    )
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def wait(host: LabHost, qemu: subprocess.Popen[bytes], directory: Path) -> None:
    """Wait until the guest's sshd says its first line. HostError with the console's last lines."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        if qemu.poll() is not None:
            raise HostError(f"{host.name}: QEMU ended with status {qemu.returncode}")
        if _answers(host.management):
            return
    said = (directory / FILES[-1]).read_text(errors="replace").strip().splitlines()[-3:]
    raise HostError(
        f"{host.name}: its sshd does not answer {BOOT_SECONDS:g} s after it was switched on; "
        f"its console ends with: {' | '.join(said) or 'nothing'}"
    )


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), 1.0) as connection:
            connection.settimeout(5.0)
            return connection.recv(4) == b"SSH-"
    except TimeoutError:
        return False
    except OSError:
        # Refused at once: the kernel is up, sshd is not.
        time.sleep(0.2)
        return False


def settle(host: LabHost, directory: Path) -> None:
    """Wait until the boot is over: nothing is loaded or started any more. HostError."""
    failed = "systemctl --failed --plain --no-legend"
    wait_for = f"systemctl is-system-running --wait; udevadm settle --timeout=60; {failed}"
    done = _ask(host, directory, f"{{ {wait_for}; }} 2>&1", BOOT_SECONDS)
    state, _, units = done.stdout.strip().partition("\n")
    if state != "running":
        raise HostError(f"{host.name}: its boot ended {state or done.stderr.strip()}: {units}")


def check_build(home: Path, host: LabHost, directory: Path) -> None:
    """Have the guest start a build's dpvs, asked for its options only. HostError where it cannot.

    A build with -march=native wants what the CPU of its own machine has; EAL looks at that first.
    """
    dpvs = home / "bin/dpvs"
    done = _ask(host, directory, f"{dpvs} -v && {dpvs} -- --help", _ASKED_SECONDS)
    if problem := build_problem(done.returncode, done.stdout + done.stderr):
        raise HostError(f"{host.name}: {dpvs}: {problem}")


def _ask(
    host: LabHost, directory: Path, text: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a command on the guest, from inside the lab."""
    command = ["ssh", "-F", "none", "-i", str(directory / ssh.CLIENT_KEY), "-o", "BatchMode=yes"]
    command += ["-o", f"UserKnownHostsFile={directory / ssh.KNOWN_HOSTS}"]
    command += [f"root@{host.management}", text]
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"{host.name}: not within {seconds:g} s: {text}") from None


def build_problem(status: int, said: str) -> str | None:
    """What keeps a build from running in the guest, in one sentence; None for nothing.

    `status`: as a shell gives it, so that 132 is SIGILL.
    """
    lacks = re.search(r"does not support \"?([A-Za-z0-9_]+)", said)
    if lacks or status == 128 + signal.SIGILL:
        what = lacks[1] if lacks else "an instruction of it (it ended with SIGILL)"
        return (
            f"the virtual machine's CPU lacks {what}; build DPDK with -Dplatform=generic, "
            "and DPVS without -march=native"
        )
    library = re.search(r"(\S+): cannot open shared object file", said)
    if library:
        return f"{library[1]} is not in the virtual machine, and ldd did not find it here"
    if status:
        words = said.strip().splitlines()
        return words[-1] if words else f"it ended with status {status}"
    return None
