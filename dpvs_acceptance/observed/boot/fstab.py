"""/etc/fstab, as systemd reads it: its lines as mounts, and why a line is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.effects import COMMENT, Effect, Idle, Mounted, Origin

PATH = "/etc/fstab"
# What mount(8) and systemd take of every file system, and what hugetlbfs takes of its own.
_WORDS = (
    "defaults rw ro suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime "
    "nodiratime relatime norelatime strictatime nostrictatime lazytime nolazytime auto noauto user "
    "nouser users owner nofail fail _netdev group mand nomand silent loud iversion noiversion "
    "remount bind rbind private shared slave unbindable"
)
_PLAIN = frozenset(_WORDS.split())
_VALUED = re.compile(
    r"(pagesize|size|min_size|nr_inodes|uid|gid|mode|context|fscontext|rootcontext|defcontext"
    r"|comment)=.+|[xX][-.].+"
)
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def entries(files: BootFiles) -> Iterator[Effect]:
    """The mount of each line, in order. Comments that look like mounts have no effect."""
    mounts: list[Mounted] = []
    for number, text in files.lines.get(PATH, ()):
        commented = text.lstrip().startswith("#")
        words = text.lstrip().lstrip("#").split()
        if len(words) < 3 or (commented and not re.search(r"\s/\S*\s+\S", text)):
            continue
        point, kind = _unescaped(words[1]), words[2]
        options = tuple(words[3].split(",")) if len(words) > 3 else ()
        origin = Origin(PATH, number, text)
        mount = Mounted(origin, point.rstrip("/") or "/", kind, options)
        if commented:
            yield Idle(origin, mount, COMMENT, "take the `#` away")
            continue
        if found := _line_problem(mount, words, point):
            yield Idle(origin, mount, *found)
            continue
        mounts.append(mount)
    for mount in mounts:
        others = [o for o in mounts if o.point == mount.point and _differ(o, mount)]
        if others and mount.point.startswith("/"):
            why = (
                f"{others[0].origin} is for the same place: systemd takes the first of the two, "
                "and `mount -a` puts the last on top"
            )
            yield Idle(mount.origin, mount, why, "keep one line for this place")
        else:
            yield mount


def _differ(one: Mounted, other: Mounted) -> bool:
    return (one.kind, _set(one)) != (other.kind, _set(other))


def _set(mount: Mounted) -> frozenset[str]:
    plain = {"defaults", "rw", "auto", "nofail", "nodev", "nosuid", "relatime"}
    return frozenset(one for one in mount.options if one not in plain)


def _line_problem(mount: Mounted, words: list[str], point: str) -> tuple[str, str] | None:
    """Why a line mounts nothing, and what to write."""
    if not point.startswith("/"):
        return None if point in ("none", "swap") else ("its mount point is no absolute path",
                                                       "write the whole path")  # fmt: skip
    if len(words) > 6 and not words[6].startswith("#"):
        return f"it has {len(words)} fields, six are possible", "write a space in a path as \\040"
    return problem(mount) if mount.kind == "hugetlbfs" else None


def problem(mount: Mounted) -> tuple[str, str] | None:
    """Why a mount of hugetlbfs is not made or of no use, and what to write."""
    if "noauto" in mount.options and "x-systemd.automount" not in mount.options:
        return "`noauto` keeps a boot from mounting it", "take `noauto` away"
    if "ro" in mount.options:
        return "`ro`: no file can be created on it", "take `ro` away"
    for option in mount.options:
        if option not in _PLAIN and not _VALUED.fullmatch(option):
            return f"mount does not know the option `{option}`", "write `defaults`"
    for option in mount.options:
        key, _, value = option.partition("=")
        if key in ("pagesize", "size") and octets(value) is None and not value.endswith("%"):
            return f"`{option}` is no size", "write pagesize=2M or pagesize=1G"
    return None


def octets(text: str) -> int | None:
    """A size as `2M`, `1G`, `2048k`."""
    match = re.fullmatch(r"(\d{1,15})([kKmMgG]?)[bB]?", text)
    return int(match[1]) * _SIZES[match[2].lower()] if match else None


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)
