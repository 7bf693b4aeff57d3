"""Whether KVM works here: /dev/kvm alone does not say it, so a kernel is booted with it, once."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from softlab.guest.machine import PROGRAM

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
#: A kernel with KVM is at its end within two; without a working one nothing ever comes.
_SECONDS: Final = 10.0


def accelerator(kernel: Path, notes: Path) -> str:
    """`kvm` where a kernel boots with it, `tcg` else. The answer is noted for this boot."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    note, boot = notes / "accelerator", _BOOT.read_text().strip()
    known = note.read_text().split() if note.exists() else []
    if len(known) != 2 or known[0] != boot:
        known = [boot, "kvm" if _boots(kernel) else "tcg"]
        note.write_text(" ".join(known) + "\n")
    return known[1]


def _boots(kernel: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix="kvm-") as folder:
        console = Path(folder, "console")
        command = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-machine", "q35", "-accel", "kvm", "-cpu", "max", "-m", "512M"]
        command += ["-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
        command += ["-serial", f"file:{console}"]
        try:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            # It has no root to mount; that it comes so far is all that is asked.
            return "Kernel panic" in console.read_text(errors="replace")
        except (OSError, subprocess.TimeoutExpired):
            return False
