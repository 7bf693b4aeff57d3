"""What the guest's disk is made of: Debian packages, and the few files that make them a lab's host.

The name of the disk in the cache is a hash of all of this, so a change here makes another disk.
"""

import hashlib
import json
from typing import Final

from softlab.spec import HOSTS, MANAGEMENT_PREFIX

SUITE: Final = "bookworm"
#: dkms builds igb_uio.ko at the installation; the headers and a compiler are for that.
PACKAGES: Final = (
    *("linux-image-amd64", "linux-headers-amd64", "dpdk-kmods-dkms", "dpdk"),
    *("systemd-sysv", "dbus", "udev", "kmod", "initramfs-tools", "openssh-server"),
    *("iproute2", "iputils-ping", "ethtool", "pciutils", "numactl", "procps", "nftables"),
    *("python3", "patch", "ca-certificates"),
)
_LEFT_OUT: Final = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
#: The programs that make a disk, and the Debian package of each.
PROGRAMS: Final = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}
#: Room of the disk in MB; what is not used is a hole in the file.
DISK_MB: Final = 4096
#: Where the guest finds what its lab lays into it: the second disk has a tar on it, and no more.
SEED_DISK: Final = "dev-vdb"
SEEDED: Final = "/var/lib/lab-seeded"
DRIVER_UNIT: Final = "lab-driver.service"
KMOD: Final = "/opt/dpvs/dpdk/kmod"
_DUT: Final = next(host for host in HOSTS if host.role == "dut")

#: What the initial RAM disk needs to find the root, instead of all that a machine could have.
_EARLY: Final = {
    "etc/initramfs-tools/conf.d/lab": "MODULES=list\nCOMPRESS=gzip\nFSTYPE=ext4\n",
    "usr/share/initramfs-tools/modules.d/lab": "virtio_pci\nvirtio_blk\next4\n",
}
_FILES: Final = {
    "etc/hostname": f"{_DUT.name}\n",
    "etc/hosts": "127.0.0.1 localhost\n"
    + "".join(f"{host.management} {host.name}\n" for host in HOSTS),
    "etc/fstab": "LABEL=root / ext4 errors=remount-ro 0 1\n",
    "etc/systemd/network/10-management.network": (
        f"[Match]\nMACAddress={_DUT.mac(0)}\n\n"
        f"[Network]\nAddress={_DUT.management}/{MANAGEMENT_PREFIX}\n"
        "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    ),
    "etc/systemd/system/lab-seed.service": (
        "[Unit]\nDescription=Files of this lab\nDefaultDependencies=no\n"
        f"ConditionPathExists=!{SEEDED}\n"
        f"Requires={SEED_DISK}.device\nAfter=local-fs.target {SEED_DISK}.device\n"
        "Before=sysinit.target\n\n"
        "[Service]\nType=oneshot\n"
        f"ExecStart=/bin/tar -xf /{SEED_DISK.replace('-', '/')} -C / --no-same-owner\n"
        f"ExecStart=/sbin/ldconfig\nExecStart=/bin/touch {SEEDED}\n\n"
        "[Install]\nWantedBy=sysinit.target\n"
    ),
    # Of a lab with the simulated DPVS: in others there is no such program.
    f"etc/systemd/system/{DRIVER_UNIT}": (
        "[Unit]\nDescription=Frames of the NICs that DPDK has\n"
        "ConditionPathExists=/opt/softlab/guest/driver.py\nAfter=lab-seed.service\n"
        "Before=ssh.service\n\n"
        "[Service]\nType=notify\nExecStart=/usr/bin/python3 -m softlab.guest.driver\n"
        "WorkingDirectory=/opt\nKillMode=process\n\n[Install]\nWantedBy=multi-user.target\n"
    ),
}
#: Units of Debian that only cost time: what they would do is of no use to a machine of an hour.
_MASKED: Final = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("e2scrub_reap.service", "fstrim.timer", "systemd-tmpfiles-clean.timer", "getty@tty1.service"),
    *("serial-getty@ttyS0.service", "systemd-timesyncd.service", "systemd-pstore.service"),
    *("dpdk.service", "modprobe@drm.service", "modprobe@dm_mod.service", "modprobe@loop.service"),
    *("modprobe@fuse.service", "modprobe@efi_pstore.service", "systemd-logind.service"),
)


def _write(files: dict[str, str]) -> str:
    """A shell command that writes files below the new root, which is its $1."""
    lines = []
    for path, text in files.items():
        lines.append(f'mkdir -p "$(dirname "$1/{path}")"')
        lines.append(f"cat >\"$1/{path}\" <<'END-OF-FILE'\n{text}END-OF-FILE")
    return "\n".join(lines)


_CUSTOMIZE: Final = "\n".join(
    (
        "set -e",
        _write(_FILES),
        'chroot "$1" systemctl enable systemd-networkd lab-seed ' + DRIVER_UNIT,
        'chroot "$1" systemctl mask ' + " ".join(_MASKED),
        'chroot "$1" systemd-machine-id-setup',
        # DPDK's own modules are where DPVS was built; here dkms has put them elsewhere.
        f'mkdir -p "$1{KMOD}" "$1/mnt"',
        f'(cd "$1" && ln -s /"$(ls lib/modules/*/updates/dkms/igb_uio.ko)" ".{KMOD}/igb_uio.ko")',
    )
)


def command(directory: str) -> list[str]:
    """The command that makes the root directory of a guest; it needs root and a package mirror."""
    return [
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--components=main"),
        "--format=directory",
        '--aptopt=Apt::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        f"--include={','.join(PACKAGES)}",
        f"--essential-hook={_write(_EARLY)}",
        f"--customize-hook={_CUSTOMIZE}",
        *(SUITE, directory),
    ]


def digest() -> str:
    """Names the disk that this recipe makes: 12 hexadecimal digits."""
    text = json.dumps([command(""), DISK_MB])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
