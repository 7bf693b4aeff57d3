"""What is laid into the host's root: commands, module files, the marks of CentOS 7.9."""

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Final

from softlab.emulated import modules
from softlab.emulated.catalogue import MODULES, STATIC_NODES, Module, packages
from softlab.emulated.commands.lspci import ASKED_OFTEN
from softlab.emulated.sources import source_files
from softlab.emulated.spec import Spec

_HERE: Final = Path(__file__).parent
_LIBRARY: Final = "usr/local/lib/emulated"
#: Where CentOS has each command. Only ethtool stays next to the real one, which it calls.
_COMMANDS: Final = {
    "dmesg": "usr/bin/dmesg",
    "ethtool": "usr/local/sbin/ethtool",
    "insmod": "usr/sbin/insmod",
    "lsmod": "usr/sbin/lsmod",
    "lspci": "usr/sbin/lspci",
    "modinfo": "usr/sbin/modinfo",
    "modprobe": "usr/sbin/modprobe",
    "numactl": "usr/bin/numactl",
    "rmmod": "usr/sbin/rmmod",
    "rpm": "usr/bin/rpm",
}
#: What would tell that the machine beneath is a Debian (testinfra asks dpkg-query before rpm).
_NOT_ON_CENTOS: Final = (
    "etc/debian_version",
    "usr/bin/apt",
    "usr/bin/apt-get",
    "usr/bin/dpdk-devbind.py",
    "usr/bin/dpkg",
    "usr/bin/dpkg-query",
    "usr/bin/lspci",
    "usr/bin/lsb_release",
)
_OS_RELEASE: Final = """\
NAME="CentOS Linux"
VERSION="7 (Core)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="7"
PRETTY_NAME="CentOS Linux 7 (Core)"
ANSI_COLOR="0;31"
CPE_NAME="cpe:/o:centos:centos:7"
HOME_URL="https://www.centos.org/"
BUG_REPORT_URL="https://bugs.centos.org/"
"""
_RC_LOCAL: Final = """\
#!/bin/bash
# THIS FILE IS ADDED FOR COMPATIBILITY PURPOSES
#
# Please note that you must run 'chmod +x /etc/rc.d/rc.local' to ensure
# that this script will be executed during boot.

touch /var/lock/subsys/local
"""
_RC_LOCAL_SERVICE: Final = """\
[Unit]
Description=/etc/rc.d/rc.local Compatibility
ConditionFileIsExecutable=/etc/rc.d/rc.local
After=network.target

[Service]
Type=forking
ExecStart=/etc/rc.d/rc.local start
TimeoutSec=0
RemainAfterExit=yes
"""
_CROND_SERVICE: Final = """\
[Unit]
Description=Command Scheduler

[Service]
ExecStart=/usr/sbin/crond -n

[Install]
WantedBy=multi-user.target
"""
_LIMITS: Final = """\
# /etc/security/limits.conf
#
#<domain>      <type>  <item>         <value>
#

#*               soft    core            0
#@student        hard    nproc           20

# End of file
"""
_KERNEL_LINE: Final = "root=/dev/mapper/centos-root ro crashkernel=auto rhgb quiet"
_FSTAB: Final = """\
#
# /etc/fstab
#
/dev/mapper/centos-root /                       xfs     defaults        0 0
/dev/mapper/centos-swap swap                    swap    defaults        0 0
"""


def lay(root: Path, spec: Spec) -> None:
    """Write everything below `root`, replacing what is there."""
    release = os.uname().release
    for name in _NOT_ON_CENTOS:
        (root / name).unlink(missing_ok=True)
    _commands(root)
    _system(root, release)
    _packages(root, spec, release)
    _module_files(root, spec, release)
    _dpdk(root, spec)
    _devices(root)


def _write(path: Path, text: str | bytes, mode: int = 0o644) -> None:
    """A new file in the place of whatever is there; a link is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _python(root: Path) -> str:
    """The python3 that the host has; the project's own where it has none of the system's."""
    if (root / "usr/bin/python3").exists():
        return "/usr/bin/python3"
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def _commands(root: Path) -> None:
    library = root / _LIBRARY / "commands"
    for source in (_HERE / "commands").glob("*.py"):
        _write(library / source.name, source.read_bytes())
    interpreter = _python(root)
    for name, place in _COMMANDS.items():
        # -I and -S: nothing of the environment or of site-packages, and a quick start.
        starter = (
            f"#!{interpreter} -IS\n"
            f"import sys\nsys.path.insert(0, '/{_LIBRARY}')\n"
            f"from commands.{name} import main\nsys.exit(main(sys.argv[1:]))\n"
        )
        if name == "lspci":
            _write(root / _LIBRARY / name, starter, 0o755)
            starter = (
                "#!/bin/sh\n"
                f'[ "$*" = {ASKED_OFTEN} ] && exec cat /run/emulated/lspci{ASKED_OFTEN}\n'
                f'exec /{_LIBRARY}/{name} "$@"\n'
            )
        _write(root / place, starter, 0o755)


def _system(root: Path, release: str) -> None:
    _write(root / "etc/os-release", _OS_RELEASE)
    for name in ("redhat-release", "centos-release", "system-release"):
        _write(root / "etc" / name, "CentOS Linux release 7.9.2009 (Core)\n")
    _write(root / "etc/rc.d/rc.local", _RC_LOCAL)
    _link(root / "etc/rc.local", "rc.d/rc.local")
    _write(root / "etc/fstab", _FSTAB)
    _boot(root, release)
    build = root / "usr/src/kernels" / release
    _write(build / "Makefile", f"# kernel-devel of {release}\n")
    _write(build / "include/config/kernel.release", f"{release}\n")
    _write(build / "include/generated/utsrelease.h", f'#define UTS_RELEASE "{release}"\n')
    for name in ("build", "source"):
        _link(root / "lib/modules" / release / name, f"/usr/src/kernels/{release}")


def _boot(root: Path, release: str) -> None:
    """Files that decide what a boot does. No boot is emulated: they are there to be read."""
    units = root / "usr/lib/systemd/system"
    _write(units / "rc-local.service", _RC_LOCAL_SERVICE)
    _write(units / "crond.service", _CROND_SERVICE)
    system = root / "etc/systemd/system"
    _link(system / "default.target", "/lib/systemd/system/multi-user.target")
    _link(system / "multi-user.target.wants/crond.service", "/usr/lib/systemd/system/crond.service")
    _write(
        root / "etc/sysctl.conf", "# sysctl settings are defined through files in /etc/sysctl.d\n"
    )
    _link(root / "etc/sysctl.d/99-sysctl.conf", "../sysctl.conf")
    _write(root / "etc/security/limits.conf", _LIMITS)
    _write(root / "etc/security/limits.d/20-nproc.conf", "*          soft    nproc     4096\n")
    _write(root / "etc/default/grub", f'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="{_KERNEL_LINE}"\n')
    _write(
        root / "boot/grub2/grub.cfg",
        "menuentry 'CentOS Linux (Core)' --class centos {\n"
        f"\tlinux16 /vmlinuz-{release} {_KERNEL_LINE}\n}}\n",
    )
    for name in ("modules-load.d", "modprobe.d", "sysctl.d", "tmpfiles.d"):
        (root / "etc" / name).mkdir(parents=True, exist_ok=True)


def _packages(root: Path, spec: Spec, release: str) -> None:
    listing = "".join(
        f"{package.name} {package.version} {package.release} {package.architecture}\n"
        for package in packages(release)
        if package.name not in spec.absent_packages
    )
    _write(root / "var/lib/rpm/packages", listing)


def _module_files(root: Path, spec: Spec, release: str) -> None:
    for module in MODULES.values():
        if module.path is not None:
            path = root / "lib/modules" / release / "kernel" / module.path
        elif module.name != "rte_kni" or spec.has_rte_kni:
            path = root / "opt/dpvs/dpdk/kmod" / f"{module.name}.ko"
        else:
            continue
        _write(path, module_file(module, modules.vermagic(release)))
    listed = "".join(f"kernel/{m.path}:\n" for m in MODULES.values() if m.path is not None)
    _write(root / "lib/modules" / release / "modules.dep", listed)


def module_file(module: Module, vermagic: str) -> bytes:
    """A module's file: an ELF header's first bytes, and the strings of a section .modinfo."""
    fields = [f"{key}={value}" for key, value in _fields(module, vermagic)]
    header = b"\x7fELF\x02\x01\x01".ljust(64, b"\0")
    return header + b"".join(field.encode() + b"\0" for field in fields)


def _fields(module: Module, vermagic: str) -> list[tuple[str, str]]:
    fields = [("license", module.license), ("description", module.description)]
    if module.author:
        fields.append(("author", module.author))
    if module.version:
        fields.append(("version", module.version))
    if module.path is not None:
        fields.append(("intree", "Y"))
    fields.append(("depends", ",".join(module.depends)))
    fields.append(("name", module.name))
    fields.append(("vermagic", vermagic))
    for name, (description, kind, _) in module.parameters.items():
        fields.append(("parm", f"{name}:{description} ({kind})"))
    return fields


def devbind() -> Path:
    """DPDK's own tool, as Debian packages it: on emulated hardware it does what it does on real."""
    return Path(shutil.which("dpdk-devbind.py") or "/usr/bin/dpdk-devbind.py")


def _dpdk(root: Path, spec: Spec) -> None:
    for path, text in source_files(spec).items():
        _write(root / "opt/dpvs" / path, text)
    script = root / "opt/dpvs/dpdk/usertools/dpdk-devbind.py"
    _write(script, devbind().read_bytes(), 0o755)
    _link(root / "usr/local/sbin/dpdk-devbind.py", "/opt/dpvs/dpdk/usertools/dpdk-devbind.py")


def _devices(root: Path) -> None:
    """Take away device files that the machine beneath lent the host: modules make them here."""
    dev = root / "dev"
    if not dev.is_dir() or dev.stat().st_dev == Path("/dev").stat().st_dev:
        return  # the machine's own /dev
    for module in MODULES.values():
        for node in module.nodes:
            (dev / node).unlink(missing_ok=True)
    for node in STATIC_NODES:
        os.mknod(dev / node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
