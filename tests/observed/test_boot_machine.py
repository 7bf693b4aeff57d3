"""Mounts, hugepages and modules: what a boot really does with the files about them."""

from __future__ import annotations

from typing import Any

import pytest

from dpvs_acceptance.observed.boot import lasting

from .machines import CENTOS, ETC, RC, SYSTEM, booted

HEAD = "#!/bin/bash\n"
ROOT = CENTOS["/etc/fstab"]
GOOD = "nodev /mnt/huge hugetlbfs defaults 0 0\n"
MOUNT = (
    "[Mount]\nWhat=nodev\nWhere=/mnt/huge\nType=hugetlbfs\n[Install]\nWantedBy=local-fs.target\n"
)
MOUNTED = {f"{ETC}/local-fs.target.wants/mnt-huge.mount": f"{ETC}/mnt-huge.mount"}


def fstab(text: str, **more: Any) -> dict[str, Any]:
    return {"texts": {"/etc/fstab": ROOT + text}, **more}


def rc(text: str, **more: Any) -> dict[str, Any]:
    return {"texts": {RC: HEAD + text}, **more}


NO_MOUNT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": (fstab(""), ("no file mounts", "nodev /mnt/huge hugetlbfs defaults 0 0")),
    "comment": (fstab(f"#{GOOD}"), ("/etc/fstab:2", "is a comment")),
    "noauto": (fstab(GOOD.replace("defaults", "defaults,noauto")), ("fstab:2", "`noauto`")),
    "another type": (fstab(GOOD.replace("hugetlbfs", "tmpfs")), ("mounts tmpfs", "not hugetlbfs")),
    "mistyped type": (fstab(GOOD.replace("hugetlbfs", "hugetblfs")), ("mounts hugetblfs",)),
    "mistyped option": (fstab(GOOD.replace("defaults", "defualts")), ("`defualts`",)),
    "mistyped page size": (
        fstab(GOOD.replace("defaults", "pagesize=two")), ("`pagesize=two` is no size",)
    ),
    "another page size": (
        fstab(GOOD.replace("defaults", "pagesize=1G")), ("pages of 1048576 kB", "pagesize=2M")
    ),
    "another page size by the kernel": (
        {"texts": {"/etc/fstab": GOOD, "/proc/cmdline": "ro default_hugepagesz=1G\n"}},
        ("pages of 1048576 kB",),
    ),
    "another place": (fstab(GOOD.replace("/mnt/huge", "/mnt/hugepages")), ("on /mnt/hugepages",)),
    "no absolute path": (fstab(GOOD.replace("/mnt/huge", "mnt/huge")), ("no file mounts",)),
    "another on top": (
        fstab(GOOD + "tmpfs /mnt/huge tmpfs defaults 0 0\n"), ("fstab:3", "fstab:2")
    ),
    "another in front": (
        fstab("tmpfs /mnt/huge tmpfs defaults 0 0\n" + GOOD), ("fstab:2", "the same place")
    ),
    "another on top, with a slash": (
        fstab(GOOD + "tmpfs /mnt/huge/ tmpfs defaults 0 0\n"), ("fstab:3",)
    ),
    "a second with another page size": (
        fstab(GOOD + GOOD.replace("defaults", "pagesize=1G")), ("the same place",)
    ),
    "read-only": (fstab(GOOD.replace("defaults", "ro")), ("`ro`",)),
    "without room": (fstab(GOOD.replace("defaults", "size=4M")), ("room for 4096 kB",)),
    "a blank in the path": (
        fstab("nodev /mnt/huge pages hugetlbfs defaults 0 0\n"), ("fstab:2",)
    ),
    "masked": (fstab(GOOD, links={f"{ETC}/mnt-huge.mount": "/dev/null"}), ("is masked",)),
    "mount unit of another type in its place": (
        fstab(GOOD) | {"texts": {"/etc/fstab": ROOT + GOOD,
                                 f"{ETC}/mnt-huge.mount": MOUNT.replace("hugetlbfs", "tmpfs")}},
        ("mnt-huge.mount", "tmpfs"),
    ),
    "mount unit that is not enabled": (
        {"texts": {f"{ETC}/mnt-huge.mount": MOUNT}}, ("systemctl enable mnt-huge.mount",)
    ),
    "mount unit of another name": (
        {"texts": {f"{ETC}/huge.mount": MOUNT},
         "links": {f"{ETC}/local-fs.target.wants/huge.mount": f"{ETC}/huge.mount"}},
        ("call it mnt-huge.mount",),
    ),
    "rc.local behind exit": (
        rc("exit 0\nmount -t hugetlbfs nodev /mnt/huge\n"), (f"{RC}:3", "`exit 0` in line 2")
    ),
    "rc.local takes it away": (
        {"texts": {"/etc/fstab": GOOD, RC: HEAD + "umount /mnt/huge\n"}}, (f"{RC}:2", "takes the")
    ),
    "rc.local puts another on top": (
        {"texts": {"/etc/fstab": GOOD, RC: HEAD + "mount -t tmpfs none /mnt/huge\n"}},
        (f"{RC}:2", "mounts tmpfs"),
    ),
    "rc.local binds another folder": (
        {"texts": {"/etc/fstab": GOOD, RC: HEAD + "mount --bind /srv /mnt/huge\n"}},
        ("mounts another folder",),
    ),
    "rc.local unmounts all": (
        {"texts": {"/etc/fstab": GOOD, RC: HEAD + "umount -a -t hugetlbfs\n"}}, (f"{RC}:2",)
    ),
    "rc.local mounts over the folder": (
        {"texts": {"/etc/fstab": GOOD, RC: HEAD + "mount -t tmpfs none /mnt\n"}},
        (f"{RC}:2", "over /mnt/huge"),
    ),
}  # fmt: skip

MOUNT_RIGHT: dict[str, dict[str, Any]] = {
    "the guide's line": fstab(GOOD),
    "another device name": fstab("hugetlbfs\t/mnt/huge\thugetlbfs\n"),
    "its page size named": fstab(GOOD.replace("defaults", "pagesize=2M,mode=1770,gid=0")),
    "its page size in kB": fstab(GOOD.replace("defaults", "rw,pagesize=2048k")),
    "nofail": fstab(GOOD.replace("defaults", "defaults,nofail,x-systemd.device-timeout=5")),
    "twice the same": fstab(GOOD + GOOD),
    "with a slash": fstab(GOOD.replace("/mnt/huge", "/mnt/huge/")),
    "automount": fstab(GOOD.replace("defaults", "noauto,x-systemd.automount")),
    "1G besides, elsewhere": fstab(GOOD + "none /mnt/huge1G hugetlbfs pagesize=1G 0 0\n"),
    "its folder later in the file": fstab(GOOD + "/dev/sdb1 /mnt xfs defaults 0 0\n"),
    "mount unit": {"texts": {f"{ETC}/mnt-huge.mount": MOUNT}, "links": MOUNTED},
    "rc.local": rc("mkdir -p /mnt/huge\nmount -t hugetlbfs nodev /mnt/huge\nexit 0\n"),
    "rc.local, its options": rc("mount -t hugetlbfs -o pagesize=2M none /mnt/huge\n"),
    "mounted again": {"texts": {
        "/etc/fstab": GOOD, RC: HEAD + "mount -o remount,size=4G /mnt/huge\n"}},
    "unless it is mounted": rc(
        "grep -q /mnt/huge /proc/mounts || mount -t hugetlbfs nodev /mnt/huge\n"),
    "noauto, and mounted by rc.local": {"texts": {
        "/etc/fstab": GOOD.replace("defaults", "noauto"), RC: HEAD + "mount /mnt/huge\n"}},
    "a unit": {
        "texts": {f"{ETC}/huge.service":
                  "[Service]\nType=oneshot\nExecStart=/bin/mount -t hugetlbfs nodev /mnt/huge\n"},
        "links": {f"{ETC}/multi-user.target.wants/huge.service": f"{ETC}/huge.service"}},
    "cron": {"texts": {
        "/etc/cron.d/huge": "@reboot root mount -t hugetlbfs nodev /mnt/huge\n"}},
}  # fmt: skip

N0, N1 = (f"/sys/devices/system/node/node{n}/hugepages/hugepages-2048kB/nr_hugepages"
          for n in (0, 1))  # fmt: skip
ALL = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
EACH = f"for n in 0 1; do\necho 512 >/sys/devices/system/node/node$n{N0[30:]}\ndone\n"


def sysctl(text: str, **more: str) -> dict[str, Any]:
    return {"texts": {"/etc/sysctl.d/10-huge.conf": text, **more}}


FEW: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a mistyped parameter": (sysctl("vm.nr_hugepage = 1024\n"), ("no vm.nr_hugepage",)),
    "a mistyped file": (rc(f"echo 512 >{N0[:-1]}\n"), ("there is no file",)),
    "too few": (sysctl("vm.nr_hugepages = 512\n"), ("node 0: 512 pages", "512 in all")),
    "a later file": (
        {"texts": {"/etc/sysctl.d/10-huge.conf": "vm.nr_hugepages = 1024\n",
                   "/etc/sysctl.d/90.conf": "vm.nr_hugepages=0\n"}},
        ("/etc/sysctl.d/90.conf:1", "leaves it 0"),
    ),
    "sysctl.conf, which is read last": (
        sysctl("vm.nr_hugepages = 1024\n", **{"/etc/sysctl.conf": "vm.nr_hugepages = 64\n"}),
        ("leaves it 32",),
    ),
    "rc.local": (
        sysctl("vm.nr_hugepages = 1024\n", **{RC: HEAD + f"echo 64 > {N1}\n"}),
        (f"{RC}:2", "node 1: 512 pages", "leaves it 64"),
    ),
    "rc.local by sysctl": (
        sysctl("vm.nr_hugepages = 1024\n", **{RC: HEAD + "sysctl -w vm.nr_hugepages=8\n"}),
        (f"{RC}:2",),
    ),
    "masked by a file of the same name": (
        {"texts": {"/usr/lib/sysctl.d/10-huge.conf": "vm.nr_hugepages = 1024\n",
                   "/etc/sysctl.d/10-huge.conf": "vm.nr_hugepages = 4\n"}},
        ("/etc/sysctl.d/10-huge.conf:1",),
    ),
    "one node": (rc(f"echo 1024 > {N0}\n"), ("node 1", "no file gives it any")),
    "one after exit": (rc(f"echo 512 > {N0}\nexit 0\necho 512 > {N1}\n"), ("node 1", f"{RC}:4")),
    "another size": (
        rc(f"echo 512 > {N0.replace('2048', '1048576')}\n"), ("pages of 1048576 kB",)
    ),
    "the kernel's, too few": (
        {"texts": {"/proc/cmdline": "ro hugepages=512\n"}}, ("/proc/cmdline:1", "leaves it 256")
    ),
    "the kernel's, of another size": (
        {"texts": {"/proc/cmdline": "default_hugepagesz=1G hugepagesz=1G hugepages=8\n"}},
        ("pages of 1048576 kB",),
    ),
    "in GRUB's defaults alone": (
        {"texts": {"/etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet hugepages=1024"\n',
                   "/boot/grub2/grub.cfg": "linux16 /vmlinuz ro quiet\n",
                   "/proc/cmdline": "ro quiet hugepages=1024\n"}},
        ("/etc/default/grub:1", "grub2-mkconfig"),
    ),
    "another entry boots": (
        {"texts": {"/boot/grub2/grub.cfg":
                   "set default=\"1\"\nmenuentry 'a'\n\tlinux16 /a hugepages=1024\n"
                   "menuentry 'b'\n\tlinux16 /b ro\n", "/etc/default/grub":
                   'GRUB_CMDLINE_LINUX="hugepages=1024"\n'}},
        ("/etc/default/grub:1",),
    ),
    "systemd-sysctl is masked": (
        sysctl("vm.nr_hugepages = 1024\n")
        | {"links": {f"{ETC}/systemd-sysctl.service": "/dev/null"}},
        ("systemd-sysctl.service is masked",),
    ),
    "a unit without a shell": (
        {"texts": {f"{ETC}/h.service": f"[Service]\nExecStart=/bin/echo 512 > {N0}\n"},
         "links": {f"{ETC}/multi-user.target.wants/h.service": f"{ETC}/h.service"}},
        ("gives `>` to the program",),
    ),
    "a unit whose target is not reached": (
        {"texts": {f"{ETC}/h.service": f"[Service]\nExecStart=/bin/sh -c 'echo 512 > {ALL}'\n"},
         "links": {f"{ETC}/rescue.target.wants/h.service": f"{ETC}/h.service"}},
        ("rescue.target alone wants h.service",),
    ),
    "a unit whose condition does not hold": (
        {"texts": {f"{ETC}/h.service": "[Unit]\nConditionPathExists=/opt/flag\n"
                   f"[Service]\nExecStart=/bin/sh -c 'echo 1024 > {ALL}'\n"},
         "links": {f"{ETC}/multi-user.target.wants/h.service": f"{ETC}/h.service"}},
        ("condition of h.service",),
    ),
}  # fmt: skip

ENOUGH: dict[str, dict[str, Any]] = {
    "sysctl": sysctl("vm.nr_hugepages = 1024\n"),
    "sysctl with a remark": sysctl("vm.nr_hugepages = 1024 # all\n"),
    "over all that there are": rc(
        f"for n in $(seq 0 1); do echo 512 >{N0.replace('node0', 'node$n')}; done\n"),
    "over what ls says": rc(
        f"for d in $(ls -d /sys/devices/system/node/node*); do echo 512 >$d/{N0[35:]}; done\n"),
    "DPDK's own tool": rc("/usr/bin/dpdk-hugepages.py --setup 2G\n"),
    "sysctl with slashes": sysctl("vm/nr_hugepages=1024\n"),
    "sysctl.conf": {"texts": {"/etc/sysctl.conf": "vm.nr_hugepages=1024\n"}},
    "more": sysctl("vm.nr_hugepages = 4096\n"),
    "an earlier file has less": {"texts": {
        "/etc/sysctl.d/10.conf": "vm.nr_hugepages = 8\n",
        "/etc/sysctl.d/20.conf": "vm.nr_hugepages = 1024\n"}},
    "a loop of rc.local": rc(EACH),
    "two lines of rc.local": rc(f"echo 512 > {N0}\necho 512 >{N1}\nexit 0\n"),
    "a loop over a pattern": rc(
        f"for f in {N0.replace('node0', 'node*')}; do echo 512 > $f; done\n"),
    "braces": rc(f"for f in {N0.replace('node0', 'node{0,1}')}; do echo 512 >$f; done\n"),
    "a range": rc(
        f"for n in {{0..1}}; do echo 512 >{N0.replace('node0', 'node$n')}; done\n"),
    "tee": rc(f"echo 512 | tee {N0} {N1} >/dev/null\n"),
    "machine-wide": rc(f"echo $((2 * 512)) > {ALL}\n"),
    "command line": {"texts": {"/proc/cmdline": "ro hugepagesz=2M hugepages=1024\n"}},
    "command line by node": {"texts": {"/proc/cmdline": "hugepages=0:512,1:512\n"}},
    "GRUB's": {"texts": {
        "/boot/grub2/grub.cfg": "menuentry 'a'\n\tlinux16 /vmlinuz ro hugepages=1024\n",
        "/proc/cmdline": "ro\n"}},
    "a loader entry": {"texts": {
        "/boot/grub2/grub.cfg": "blscfg\n",
        "/boot/grub2/grubenv": "kernelopts=ro hugepages=1024\n",
        "/boot/loader/entries/a.conf": "options $kernelopts quiet\n"}},
    "tmpfiles.d": {"texts": {"/etc/tmpfiles.d/h.conf":
                             f"w {N0} - - - - 512\nw {N1} - - - - 512\n"}},
    "a unit": {
        "texts": {f"{ETC}/h.service": f"[Service]\nExecStart=/bin/sh -c 'echo 1024 > {ALL}'\n"},
        "links": {f"{ETC}/sysinit.target.wants/h.service": f"{ETC}/h.service"}},
    "a script of a unit": {
        "texts": {f"{ETC}/h.service": "[Service]\nExecStart=/opt/huge.sh 512\n",
                  "/opt/huge.sh": HEAD + EACH.replace("echo 512", "echo $1")},
        "links": {f"{ETC}/multi-user.target.wants/h.service": f"{ETC}/h.service"}},
    "a timer": {
        "texts": {f"{ETC}/h.service": f"[Service]\nExecStart=/bin/sh -c 'echo 1024 > {ALL}'\n",
                  f"{ETC}/h.timer": "[Timer]\nOnBootSec=5\n"},
        "links": {f"{ETC}/timers.target.wants/h.timer": f"{ETC}/h.timer"}},
}  # fmt: skip

KNI = "/opt/dpvs/kmod/rte_kni.ko"
KO = "/opt/toa/toa.ko"


def toa(text: str, **more: Any) -> dict[str, Any]:
    return rc(text, modes={KO: 0o644, **more.pop("modes", {})}, **more)


UNLOADED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": (rc(""), ("no file loads toa",)),
    "comment": (toa(f"#insmod {KO}\n"), (f"{RC}:2", "is a comment")),
    "behind exit": (toa(f"exit 0\ninsmod {KO}\n"), (f"{RC}:3", "`exit 0`")),
    "removed later": (toa(f"insmod {KO}\nrmmod toa\n"), (f"{RC}:3", "removes toa")),
    "removed by modprobe": (toa(f"insmod {KO}\nmodprobe -r toa\n"), (f"{RC}:3",)),
    "file that is not there": (rc(f"insmod {KO}\n"), (f"there is no file {KO}",)),
    "mistyped path": (
        rc("insmod /opt/toe/toa.ko\n", modes={KO: 0o644}), ("there is no file /opt/toe/toa.ko",)
    ),
    "blacklisted": (
        {"texts": {"/etc/modules-load.d/toa.conf": "toa\n",
                   "/etc/modprobe.d/no.conf": "blacklist toa\n"}},
        ("modules-load.d/toa.conf:1", "no.conf:1", "blacklisted"),
    ),
    "blacklisted by the kernel's command line": (
        {"texts": {"/etc/modules-load.d/toa.conf": "toa\n",
                   "/proc/cmdline": "module_blacklist=toa\n"}},
        ("the kernel refuses toa",),
    ),
    "install /bin/true": (
        {"texts": {RC: HEAD + "modprobe toa\n",
                   "/etc/modprobe.d/no.conf": "install toa /bin/true\n"}},
        ("another command runs", "no.conf:1"),
    ),
    "unknown to modprobe": (
        {"texts": {"/etc/modules-load.d/toa.conf": "toa\n"}, "modules": frozenset({"uio"})},
        ("finds no module toa", "depmod"),
    ),
    "a file of another suffix": (
        {"texts": {"/etc/modules-load.d/toa": "toa\n"}}, ("no file loads toa",)
    ),
    "with options in modules-load.d": (
        {"texts": {"/etc/modules-load.d/toa.conf": "toa debug=1\n"}}, ("a line is one name",)
    ),
    "/etc/modules on CentOS": ({"texts": {"/etc/modules": "toa\n"}}, ("does not read",)),
    "a file of the same name comes before": (
        {"texts": {"/usr/lib/modules-load.d/toa.conf": "toa\n",
                   "/etc/modules-load.d/toa.conf": "uio\n"}},
        ("no file loads toa",),
    ),
    "masked by /dev/null": (
        {"texts": {"/usr/lib/modules-load.d/toa.conf": "toa\n"},
         "links": {"/etc/modules-load.d/toa.conf": "/dev/null"}},
        ("no file loads toa",),
    ),
    "modules-load is masked": (
        {"texts": {"/etc/modules-load.d/toa.conf": "toa\n"},
         "links": {f"{ETC}/systemd-modules-load.service": "/dev/null"}},
        ("systemd-modules-load.service is masked",),
    ),
    "cron without sbin": (
        {"texts": {"/var/spool/cron/root": f"@reboot insmod {KO}\n"}, "modes": {KO: 0o644}},
        ("cron's PATH", "/usr/sbin/insmod"),
    ),
    "cron as another user": (
        {"texts": {"/etc/cron.d/toa": f"@reboot dpvs /usr/sbin/insmod {KO}\n"},
         "modes": {KO: 0o644}},
        ("runs as dpvs",),
    ),
    "cron that is not started": (
        {"texts": {"/var/spool/cron/root": f"@reboot /usr/sbin/insmod {KO}\n"},
         "modes": {KO: 0o644}, "links": {f"{ETC}/crond.service": "/dev/null"}},
        ("crond.service is masked",),
    ),
}  # fmt: skip

LOADED: dict[str, dict[str, Any]] = {
    "the guide's line": toa(f"/usr/sbin/insmod {KO}\n"),
    "behind cd": rc("cd /opt/toa && insmod toa.ko\n", modes={"/opt/toa": 0o755, KO: 0o644}),
    "if it is there": toa(f"[ -f {KO} ] && insmod {KO}\n"),
    "by a function": toa(f"load() {{ [ -f $1 ] && insmod $1; }}\nload {KO}\n"),
    "in a loop": toa("for m in toa uoa; do insmod /opt/toa/$m.ko; done\n"),
    "unless it is loaded": toa(f"lsmod | grep -q toa || insmod {KO}\n"),
    "removed and loaded again": toa(f"rmmod toa 2>/dev/null\ninsmod {KO}\n"),
    "modules-load.d": {"texts": {"/etc/modules-load.d/toa.conf": "# TOA\ntoa\n"},
                       "modules": frozenset({"toa"})},
    "modprobe": rc("modprobe toa\n", modules=frozenset({"toa"})),
    "modprobe, though it is blacklisted": {"texts": {
        RC: HEAD + "modprobe toa\n", "/etc/modprobe.d/no.conf": "blacklist toa\n"}},
    "insmod, whatever modprobe.d says": {
        "texts": {RC: HEAD + f"insmod {KO}\n",
                  "/etc/modprobe.d/no.conf": "install toa /bin/true\n"},
        "modes": {KO: 0o644}},
    "the kernel's command line": {"texts": {"/proc/cmdline": "modules_load=toa\n"}},
    "/etc/modules on Debian": {
        "texts": {"/etc/modules": "toa\n"},
        "links": {"/etc/modules-load.d/modules.conf": "../modules"}},
    "a unit": {
        "texts": {f"{ETC}/toa.service": f"[Service]\nType=oneshot\nExecStart=/sbin/insmod {KO}\n"},
        "links": {f"{ETC}/multi-user.target.wants/toa.service": f"{ETC}/toa.service"},
        "modes": {KO: 0o644}},
    "cron with its path": {
        "texts": {"/var/spool/cron/root": f"@reboot /usr/sbin/insmod {KO}\n"},
        "modes": {KO: 0o644}},
}  # fmt: skip

NO_CARRIER: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "without": (rc(f"insmod {KNI}\n", modes={KNI: 0o644}), ("without carrier=on",)),
    "off": (rc(f"insmod {KNI} carrier=off\n", modes={KNI: 0o644}), ("with carrier=off",)),
    "twice": (rc(f"insmod {KNI} carrier=on carrier=off\n", modes={KNI: 0o644}), ("carrier=off",)),
    "modprobe.d, which insmod does not read": (
        {"texts": {RC: HEAD + f"insmod {KNI}\n",
                   "/etc/modprobe.d/kni.conf": "options rte_kni carrier=on\n"},
         "modes": {KNI: 0o644}},
        ("insmod does not read /etc/modprobe.d/kni.conf:1",),
    ),
    "a later file of modprobe.d": (
        {"texts": {"/etc/modules-load.d/kni.conf": "rte_kni\n",
                   "/etc/modprobe.d/10.conf": "options rte_kni carrier=on\n",
                   "/etc/modprobe.d/20.conf": "options rte_kni carrier=off\n"}},
        ("carrier=off", "20.conf:1"),
    ),
    "options of another name": (
        {"texts": {"/etc/modules-load.d/kni.conf": "rte_kni\n",
                   "/etc/modprobe.d/10.conf": "options kni carrier=on\n"}},
        ("without carrier=on",),
    ),
    "loaded before without": (
        {"texts": {"/etc/modules-load.d/kni.conf": "rte_kni\n",
                   RC: HEAD + f"insmod {KNI} carrier=on\n"}, "modes": {KNI: 0o644}},
        ("modules-load.d/kni.conf:1", "without carrier=on"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "words"), NO_MOUNT.values(), ids=NO_MOUNT)
def test_a_mount_without_effect_is_seen_and_told(
    machine: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = lasting.hugetlbfs(booted(**machine), "/mnt/huge", 2048)
    assert not answer.holds, str(answer)
    for word in words:
        assert word in str(answer)


@pytest.mark.parametrize("machine", MOUNT_RIGHT.values(), ids=MOUNT_RIGHT)
def test_each_right_way_of_a_mount_counts(machine: dict[str, Any]) -> None:
    answer = lasting.hugetlbfs(booted(**machine), "/mnt/huge", 2048)
    assert answer.holds, str(answer)


@pytest.mark.parametrize(("machine", "words"), FEW.values(), ids=FEW)
def test_too_few_hugepages_are_seen_and_told(
    machine: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = lasting.hugepages(booted(**machine), (0, 1), 2048, 512)
    assert answer.named, str(answer)
    assert not answer.holds, str(answer)
    for word in words:
        assert word in str(answer)


@pytest.mark.parametrize("machine", ENOUGH.values(), ids=ENOUGH)
def test_each_right_way_of_hugepages_counts(machine: dict[str, Any]) -> None:
    answer = lasting.hugepages(booted(**machine), (0, 1), 2048, 512)
    assert answer.holds, str(answer)


@pytest.mark.parametrize("text", ["", "#vm.nr_hugepages = 1024\n", "vm.swappiness = 0\n"])
def test_nothing_about_hugepages_is_said_as_that(text: str) -> None:
    answer = lasting.hugepages(booted({"/etc/sysctl.conf": text}), (0, 1), 2048, 512)
    assert (answer.holds, answer.named) == (False, False)


@pytest.mark.parametrize(("machine", "words"), UNLOADED.values(), ids=UNLOADED)
def test_a_module_that_no_boot_loads_is_seen_and_told(
    machine: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = lasting.module(booted(**machine), "toa")
    assert not answer.holds, str(answer)
    for word in words:
        assert word in str(answer)


@pytest.mark.parametrize("machine", LOADED.values(), ids=LOADED)
def test_each_right_way_of_a_module_counts(machine: dict[str, Any]) -> None:
    answer = lasting.module(booted(**machine), "toa")
    assert answer.holds, str(answer)


@pytest.mark.parametrize(("machine", "words"), NO_CARRIER.values(), ids=NO_CARRIER)
def test_a_parameter_that_does_not_reach_the_module_is_seen(
    machine: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = lasting.module(booted(**machine), "rte_kni", {"carrier": "on"})
    assert not answer.holds, str(answer)
    for word in words:
        assert word in str(answer)


def test_igb_uio_needs_uio_first() -> None:
    ko = "/opt/dpvs/kmod/igb_uio.ko"
    for text, holds in (
        (f"insmod {ko}\nmodprobe uio\n", False),
        (f"modprobe uio\ninsmod {ko}\n", True),
    ):
        answer = lasting.module(booted(**rc(text, modes={ko: 0o644})), "igb_uio")
        assert answer.holds is holds, str(answer)


def test_a_blacklist_alone_is_named() -> None:
    answer = lasting.module(booted({"/etc/modprobe.d/n.conf": "blacklist uio\n"}), "uio")
    assert answer.named
    assert "n.conf:1" in str(answer)


def test_the_default_hugetlbfs_of_systemd_counts() -> None:
    unit = "[Unit]\nBefore=sysinit.target\n[Mount]\nWhat=hugetlbfs\nWhere=/dev/hugepages\n"
    unit += "Type=hugetlbfs\n"
    machine = booted(
        {f"{SYSTEM}/dev-hugepages.mount": unit},
        links={f"{SYSTEM}/sysinit.target.wants/dev-hugepages.mount": "../dev-hugepages.mount"},
    )
    assert lasting.hugetlbfs(machine, "/dev/hugepages", 2048).holds


READY = (
    "[Service]\n"
    f"ExecStartPre=/bin/sh -c 'echo 1024 > {ALL}'\n"
    "ExecStartPre=/sbin/modprobe uio\n"
    "ExecStart=/opt/dpvs/bin/dpvs -- -l 0\nLimitNOFILE=655350\n"
)
ENABLED = {f"{ETC}/multi-user.target.wants/dpvs.service": f"{ETC}/dpvs.service"}
STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing starts it": (rc(""), ""),
    "a comment": (rc("# /opt/dpvs/bin/dpvs &\n"), ""),
    "a unit for who starts it by hand": ({"texts": {f"{ETC}/dpvs.service": READY}}, ""),
    "its unit makes all ready": (
        {"texts": {f"{ETC}/dpvs.service": READY, "/etc/fstab": GOOD}, "links": ENABLED}, ""),
    "rc.local makes all ready": (
        {"texts": {"/etc/fstab": GOOD,
                   RC: f"{HEAD}echo 1024 >{ALL}\nmodprobe uio\n/opt/dpvs/bin/dpvs &\nexit 0\n"}},
        ""),
    "behind rc.local": (
        {"texts": {"/etc/fstab": GOOD, RC: f"{HEAD}echo 1024 >{ALL}\nmodprobe uio\n",
                   f"{ETC}/dpvs.service": "[Unit]\nAfter=rc-local.service\n[Service]\n"
                   "ExecStart=/opt/dpvs/bin/dpvs\n"}, "links": ENABLED},
        ""),
    "not ordered behind rc.local": (
        {"texts": {"/etc/fstab": GOOD, RC: f"{HEAD}echo 1024 >{ALL}\nmodprobe uio\n",
                   f"{ETC}/dpvs.service": "[Service]\nExecStart=/opt/dpvs/bin/dpvs\n"},
         "links": ENABLED},
        "before"),
    "no hugetlbfs": (
        {"texts": {f"{ETC}/dpvs.service": READY}, "links": ENABLED}, "without hugetlbfs"),
    "as another user": (
        {"texts": {f"{ETC}/dpvs.service": READY + "User=dpvs\n", "/etc/fstab": GOOD},
         "links": ENABLED},
        "DPDK needs root"),
    "behind exit": (rc("exit 0\n/opt/dpvs/bin/dpvs &\n"), "`exit 0` in line 2"),
    "twice": (
        {"texts": {f"{ETC}/dpvs.service": READY, "/etc/fstab": GOOD,
                   RC: f"{HEAD}/opt/dpvs/bin/dpvs &\n"}, "links": ENABLED},
        "both start dpvs"),
    "masked": (
        {"texts": {}, "links": {**ENABLED, f"{ETC}/dpvs.service": "/dev/null"}}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "words"), STARTS.values(), ids=STARTS)
def test_what_a_boot_starts_finds_what_it_needs(machine: dict[str, Any], words: str) -> None:
    one = booted(**machine)
    needs = {
        "hugepages": lasting.hugepages(one, (0, 1), 2048, 512),
        "hugetlbfs": lasting.hugetlbfs(one, "/mnt/huge", 2048),
        "uio": lasting.module(one, "uio"),
    }
    answer = lasting.started_in_order(one, needs)
    assert answer.holds is not bool(words), str(answer)
    assert words in str(answer)
