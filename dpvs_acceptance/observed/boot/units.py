"""systemd's units: fragments with their drop-ins, which of them a boot starts, and why not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dpvs_acceptance.hosts.boot_files import UNITS, BootFiles
from dpvs_acceptance.observed.boot.effects import Origin

RC_LOCAL = "rc-local.service"
_KINDS = (".service", ".mount", ".timer", ".target")
_TARGETS = (
    "sysinit basic local-fs local-fs-pre remote-fs network network-pre network-online "
    "timers paths sockets swap slices getty nss-user-lookup time-sync"
)
_ALWAYS = frozenset(f"{name}.target" for name in _TARGETS.split())
_SERVING = re.compile(r"(multi-user|graphical|runlevel[2345]|default)\.target")
_PULLS = ("Wants", "Requires", "Requisite", "BindsTo", "Upholds")
_CONDITION = re.compile(
    r"(Condition|Assert)(PathExists|FileIsExecutable|PathIsDirectory|FileNotEmpty|PathExistsGlob)"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit with its drop-ins. settings: section, key, value and line, in the order in which they
    count. masked: nothing can start it."""

    name: str
    path: str
    settings: tuple[tuple[str, str, str, Origin], ...]
    masked: bool = False

    def all(self, section: str, key: str) -> list[tuple[str, Origin]]:
        """Values of a list; an empty one takes back those before it."""
        found: list[tuple[str, Origin]] = []
        for where, name, value, origin in self.settings:
            if (where, name) == (section, key):
                found = [*found, (value, origin)] if value else []
        return found

    def last(self, section: str, key: str) -> tuple[str, Origin] | None:
        """The value that counts of a setting that has one."""
        found = self.all(section, key)
        return found[-1] if found else None

    def names(self, *keys: str) -> set[str]:
        """Units that the section [Unit] names by these keys."""
        return {one for key in keys for value, _ in self.all("Unit", key) for one in value.split()}


def read_units(files: BootFiles) -> dict[str, Unit]:
    """All units that were read, by name."""
    chosen: dict[str, str] = {}
    folders = (*UNITS, "/lib/systemd/system")
    for folder in folders:
        for path in sorted({*files.lines, *files.links, *files.modes}):
            name = PurePosixPath(path).name
            if path == f"{folder}/{name}" and name.endswith(_KINDS):
                chosen.setdefault(name, path)
    found = {}
    for name, path in chosen.items():
        masked = files.real(path) == "/dev/null" or (path in files.modes and not files.text(path))
        parts = [path, *_drop_ins(files, name, folders)]
        settings = [one for part in parts for one in read_settings(files, part)]
        found[name] = Unit(name, path, tuple(settings), masked)
    return found


def read_settings(files: BootFiles, path: str) -> Iterator[tuple[str, str, str, Origin]]:
    """Section, key, value and line of each setting of a file of systemd's."""
    section, begun = "", None
    for number, text in files.lines.get(path, ()):
        plain = text.strip()
        if plain.startswith(("#", ";")) or (not plain and begun is None):
            continue
        first, before = begun if begun is not None else (number, "")
        if plain.endswith("\\"):
            begun = first, f"{before}{plain[:-1]} "
            continue
        begun, plain = None, before + plain
        if match := re.fullmatch(r"\[(.*)\]", plain):
            section = match[1]
        elif "=" in plain:
            key, _, value = plain.partition("=")
            yield section, key.strip(), value.strip(), Origin(path, first, text)


def _drop_ins(files: BootFiles, name: str, folders: Collection[str]) -> list[str]:
    chosen: dict[str, str] = {}
    for folder in folders:
        for parent in (f"{folder}/{name}.d/", f"{folder}/{name.rsplit('.', 1)[-1]}.d/"):
            for path in files.lines:
                if path.startswith(parent) and path.endswith(".conf"):
                    chosen.setdefault(PurePosixPath(path).name, path)
    return [chosen[one] for one in sorted(chosen) if files.real(chosen[one]) != "/dev/null"]


def not_started(
    files: BootFiles,
    units: Mapping[str, Unit],
    words: Collection[str],
    generated: Collection[tuple[str, str]] = (),
) -> dict[str, tuple[str, str]]:
    """Why a boot starts a unit not, and what to do; empty strings for a unit that it starts.

    words: the kernel's command line. generated: who wants whom, besides the links on disk.
    """
    default = _default(files)
    reached = {*_ALWAYS, default}
    if _SERVING.fullmatch(default):
        reached |= {"multi-user.target", *(f"runlevel{n}.target" for n in range(2, 6))}
    wants = [*_links(files), *generated]
    answers: dict[str, tuple[str, str]] = {}
    pulled = {*reached}
    while True:
        more = {name for holder, name in wants if holder in pulled}
        for name in pulled & set(units):
            more |= units[name].names(*_PULLS)
            more |= _timed(units[name])
        if more <= pulled:
            break
        pulled |= more
    for name, unit in units.items():
        answers[name] = _why_not(name, unit, pulled, wants, default, files, words)
    return answers


def _why_not(
    name: str, unit: Unit, pulled: Collection[str], wants: list[tuple[str, str]], default: str,
    files: BootFiles, words: Collection[str],
) -> tuple[str, str]:  # fmt: skip
    if unit.masked or f"systemd.mask={name}" in words:
        return f"{name} is masked", f"run `systemctl unmask {name}`"
    if name not in pulled:
        holders = sorted({holder for holder, one in wants if one == name})
        if holders:
            where = f"{', '.join(holders)} alone wants {name}, and the boot ends in {default}"
            return where, f"run `systemctl set-default multi-user.target` or enable {name} for it"
        return f"no link of a reached target wants {name}", f"run `systemctl enable {name}`"
    for section, key, value, origin in unit.settings:
        if section != "Unit" or not value:
            continue
        plain = value.lstrip("|!")
        wanted = not value.lstrip("|").startswith("!")
        holds = None
        if _CONDITION.fullmatch(key):
            holds = files.exists(plain)
        elif key == "ConditionKernelCommandLine":
            holds = any(plain in (word, word.partition("=")[0]) for word in words)
        if holds is not None and holds != wanted:
            return f"a condition of {name} does not hold ({origin})", "take the condition away"
    return "", ""


def _default(files: BootFiles) -> str:
    for folder in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"):
        if target := files.links.get(f"{folder}/default.target"):
            return PurePosixPath(target).name
    return "multi-user.target"


def _links(files: BootFiles) -> Iterator[tuple[str, str]]:
    """Who wants whom, by the links of `NAME.wants`."""
    for path in files.links:
        match = re.fullmatch(r".*/systemd/system/([^/]+)\.(?:wants|requires)/([^/]+)", path)
        if match is not None:
            yield match[1], match[2]


def _timed(unit: Unit) -> set[str]:
    """What a timer starts at a boot."""
    keys = ("OnBootSec", "OnStartupSec", "OnActiveSec")
    if not unit.name.endswith(".timer") or not any(unit.last("Timer", key) for key in keys):
        return set()
    named = unit.last("Timer", "Unit")
    return {named[0] if named else unit.name.removesuffix(".timer") + ".service"}


def after(units: Mapping[str, Unit], name: str) -> set[str]:
    """All units that are started before this one, by After= and Before=."""
    found: set[str] = set()
    left = [name]
    while left:
        here = left.pop()
        before = units[here].names("After") if here in units else set()
        before |= {other for other, unit in units.items() if here in unit.names("Before")}
        left += [one for one in before if one not in found]
        found |= before
    return found - {name}


def mount_name(point: str) -> str:
    """The name that the mount unit of a mount point has to have."""
    words = [
        "".join(c if c.isalnum() or c in ":_." else f"\\x{ord(c):02x}" for c in part)
        for part in point.strip("/").split("/")
    ]
    return f"{'-'.join(words) or '-'}.mount"


def limit(value: str, nr_open: int) -> tuple[int | None, int | None]:
    """Soft and hard of LimitNOFILE=."""
    soft, _, hard = value.partition(":")
    numbers = [
        nr_open if one == "infinity" else int(one) if one.isdigit() else None
        for one in (soft, hard or soft)
    ]
    return numbers[0], numbers[1]
