"""A host's root file system: the machine's own, under an overlay that vanishes with the host."""

import os
import stat
import sys
from pathlib import Path
from typing import Final

from softlab import kernel
from softlab.spec import HOSTS, LabHost

#: Where a machine commonly keeps parts of its root on file systems of their own; an overlay shows
#: only one file system, so each of these that is a mount gets an overlay too.
_LAYERS: Final = (
    *("/usr", "/usr/local", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/boot"),
    *("/root", "/home", "/var", "/var/lib", "/var/log", "/nix"),
)
#: Device nodes a host gets where the machine has them: what programs expect, the tap driver, what
#: DPVS's kni asks for, and what a lab's own emulated hardware is made with.
_DEVICES: Final = (
    *("null", "zero", "full", "random", "urandom", "tty", "kmsg", "mem"),
    *("net/tun", "vhost-net", "fuse"),
)
PACKAGE: Final = Path(__file__).resolve().parent
#: Where every host finds this package.
HOST_PACKAGE: Final = Path("/opt/softlab")


def interpreter() -> Path:
    """This Python itself, without the links of a virtual environment in front of it."""
    return Path(sys.executable).resolve()


def build(base: Path, host: LabHost, *, keep: tuple[Path, ...] = ()) -> Path:
    """Mount a whole root for `host` below `base` and return where it is.

    To be called in the host's own namespaces (its mount namespace private) before pivot_root.
    `keep`: directories that must be found at their own path in the host, mounted read-only where
    the overlay does not show them.
    """
    kernel.mount("softlab", base, "tmpfs", kernel.MS_NODEV, "mode=755")
    root = base / "root"
    root.mkdir()
    _overlay(Path("/"), root, base / "layers" / "root")
    for number, layer in enumerate(map(Path, _LAYERS)):
        if layer.is_mount() and not layer.is_symlink():
            _overlay(layer, root / layer.relative_to("/"), base / "layers" / str(number))
    for name in ("run", "tmp", "dev/shm"):
        if name.startswith("dev"):
            _devices(root / "dev")
        (root / name).mkdir(parents=True, exist_ok=True)
        kernel.mount("tmpfs", root / name, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV)
    (root / "tmp").chmod(0o1777)
    (root / "run/lock").mkdir(mode=0o1777)
    _share(PACKAGE, root / HOST_PACKAGE.relative_to("/"))
    for path in (Path(sys.base_prefix).resolve(), *keep):
        inside = root / path.relative_to("/")
        if not inside.exists() or not any(inside.iterdir()):
            _share(path, inside)
    kernel.mount("proc", root / "proc", "proc")
    kernel.mount("sysfs", root / "sys", "sysfs", 0 if host.role == "dut" else kernel.MS_RDONLY)
    _identity(root, host)
    return root


def _overlay(lower: Path, target: Path, layers: Path) -> None:
    """Mount an overlay of `lower`, its writes going to `layers` on the host's own tmpfs.

    The path of `lower` is never given to mount(2), which splits it at colons and commas.
    """
    for name in ("upper", "work"):
        (layers / name).mkdir(parents=True)
    before = Path.cwd()
    os.chdir(layers)
    try:
        kernel.mount(
            "overlay", target, "overlay", 0, f"lowerdir={lower},upperdir=upper,workdir=work"
        )
    finally:
        os.chdir(before)


def _share(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    kernel.bind(source, target, read_only=True)


def _devices(dev: Path) -> None:
    """A /dev of the host's own: a node made in the machine's /dev would outlive the lab."""
    kernel.mount("dev", dev, "tmpfs", kernel.MS_NOSUID, "mode=755")
    for name in _DEVICES:
        machine, node = Path("/dev", name), dev / name
        if not machine.exists():
            continue
        node.parent.mkdir(exist_ok=True)
        try:
            status = machine.stat()
            os.mknod(node, status.st_mode, status.st_rdev)
            node.chmod(stat.S_IMODE(status.st_mode))
        except PermissionError:  # a container's device cgroup; the machine's own node still works
            node.touch()
            kernel.bind(machine, node)
    for name, target in (
        *(("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1")),
        *(("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx")),
    ):
        (dev / name).symlink_to(target)
    (dev / "pts").mkdir()
    kernel.mount("devpts", dev / "pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620")


def _identity(root: Path, host: LabHost) -> None:
    """Give the host its own name, and a root login that depends on nothing of the machine's."""
    etc = root / "etc"
    names = "".join(f"{one.management} {one.name}\n" for one in HOSTS)
    _write(etc / "hostname", f"{host.name}\n")
    _write(etc / "hosts", f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n{names}")
    _write(etc / "resolv.conf", "# a lab has no name server\n")
    _write(etc / "fstab", f"# {host.name}: file systems mounted at boot\n")
    # sshd turns away an account whose password is locked ("!"), even with a key.
    shell = "/bin/bash" if (root / "bin/bash").exists() else "/bin/sh"
    for name, line in (
        ("passwd", f"root:x:0:0:root:/root:{shell}"),
        ("shadow", "root:*:19000:0:99999:7:::"),
    ):
        others = [
            one for one in (etc / name).read_text().splitlines() if not one.startswith("root:")
        ]
        mode = stat.S_IMODE((etc / name).stat().st_mode)
        _write(etc / name, "\n".join((line, *others)) + "\n")
        (etc / name).chmod(mode)
    (etc / "nologin").unlink(missing_ok=True)
    # The machine's owner's habits (a prompt that runs programs, aliases) are not the host's.
    for name in (".bashrc", ".profile", ".bash_profile", ".bash_login", ".bash_history"):
        (root / "root" / name).unlink(missing_ok=True)
    python = root / "usr/local/bin/python3"
    if not python.exists() or not python.samefile(root / interpreter().relative_to("/")):
        python.unlink(missing_ok=True)
        python.symlink_to(interpreter())


def _write(path: Path, text: str) -> None:
    # Some of these are links to files of the machine's services: it is the name that is replaced.
    if path.is_symlink():
        path.unlink()
    path.write_text(text)
