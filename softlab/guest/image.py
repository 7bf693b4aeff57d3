"""The guest's disk in the user's cache: made once for each recipe, and shared by all labs."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from softlab.guest import recipe
from softlab.guest.acceleration import accelerator

_ROOT: Final = "root.img"


class ImageError(Exception):
    """There is no disk, and none could be made; one sentence, and the end of mmdebstrap's words."""


@dataclass(frozen=True, slots=True)
class Image:
    """A disk that no lab writes to, the kernel that is on it, and what QEMU runs it with."""

    disk: Path
    kernel: Path
    initrd: Path
    accelerator: str = "tcg"


def cache() -> Path:
    """Where disks are kept: $XDG_CACHE_HOME/dpvs-acceptance, ~/.cache where that is not set."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".cache"
    return base / "dpvs-acceptance"


def ensure() -> Image:
    """The disk of the current recipe, made now if there is none: some minutes. ImageError."""
    place = cache() / f"guest-{recipe.digest()}"
    image = Image(place / _ROOT, place / "vmlinuz", place / "initrd.img")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as lock:
            # Two labs that start at once make it once.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not image.disk.exists():
                _make(place, image)
            return replace(image, accelerator=accelerator(image.kernel, place))
    except OSError as error:
        raise ImageError(f"the guest's disk could not be made in {place}: {error}") from None


def _make(place: Path, image: Image) -> None:
    missing = {name: package for name, package in recipe.PROGRAMS.items() if not shutil.which(name)}
    if missing:
        raise ImageError(
            f"this machine has no {', '.join(missing)} to make a guest's disk; on Debian: "
            f"apt-get install {' '.join(missing.values())}"
        )
    print(
        f"softlab: making the disk of a Debian guest in {place}; once, some minutes",
        file=sys.stderr,
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="make-", dir=place) as folder:
        root = Path(folder, "root")
        log = place / "mmdebstrap.log"
        # mmdebstrap wants to enter its own folder as the user of apt.
        Path(folder).chmod(0o755)
        _run(recipe.command(str(root)), log)
        for name, target in (("vmlinuz", image.kernel), ("initrd.img", image.initrd)):
            found = sorted((root / "boot").glob(f"{name}-*"))
            if not found:
                raise ImageError(f"the new guest has no /boot/{name}-*; see {log}")
            shutil.copyfile(found[-1], target)
        unfinished = Path(folder, _ROOT)
        size = f"{recipe.DISK_MB}M"
        options = ["-q", "-t", "ext4", "-L", "root", "-E", "lazy_itable_init=1,nodiscard"]
        _run(["mke2fs", *options, "-d", str(root), str(unfinished), size], log)
        unfinished.rename(image.disk)  # last: where it is, all is there


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        status = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
    if status:
        words = " | ".join(log.read_text(errors="replace").split("\n")[-6:]).strip(" |")
        raise ImageError(f"{command[0]} ended with status {status} ({log}): {words[-600:]}")
