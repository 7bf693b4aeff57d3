"""What the commands of a script do to what a check asks about."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from dpvs_acceptance.observed.boot.command import Command
from dpvs_acceptance.observed.boot.effects import (
    COMMENT,
    Effect,
    Idle,
    Loaded,
    Mounted,
    OpenFiles,
    Origin,
    Pages,
    Started,
    Sysctl,
    Unloaded,
    Unmounted,
)
from dpvs_acceptance.observed.boot.words import UNKNOWN

NR_OPEN = 1048576  # the kernel's own fs.nr_open: no limit of open files may be above it
_NODE = re.compile(
    r"/sys/devices/system/node/node([0-9]+|[*]|\[[^]]*\]|[^/]*\ufffd[^/]*)"
    r"/hugepages/hugepages-(\d+)kB/nr_hugepages"
)
_ALL = re.compile(r"/sys/kernel/mm/hugepages/hugepages-(\d+)kB/nr_hugepages")
_ANY = re.compile(r"[^\ufffd]*+\ufffd.*/hugepages-(\d+)kB/nr_hugepages")
_NO_FILE = re.compile(r"/sys/.*hugepages-\d+kB/(?!nr_overcommit|surplus|free|resv)\w*")
_NO_PARAMETER = re.compile(r"(vm\.)?nr_?huge_?pages?(_mempolicy)?")
_RESERVERS = ("hugeadm", "dpdk-hugepages.py")
_ADMINS = frozenset(("insmod", "modprobe", "rmmod", "sysctl"))
_TAKES = frozenset(("-t", "-o", "-O", "-L", "-U"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands stand. `sbin`: whether the folders of the administrator's tools are in PATH.
    `soft`, `hard`: the limits of open files that the script begins with. `user`: whose it is."""

    sbin: bool = True
    soft: int | None = 1024
    hard: int | None = 524288
    user: str = "root"
    nr_open: int = NR_OPEN


def effects(commands: tuple[Command, ...], place: Place) -> Iterator[Effect]:
    """Effects of a script's commands in their order; of those without one, why."""
    hard, folder = place.hard, "/"
    soft: dict[tuple[int, ...], int | None] = {(): place.soft}
    for command in commands:
        within = [command.shell[:length] for length in range(len(command.shell), -1, -1)]
        here = soft[next(shell for shell in within if shell in soft)]
        if command.words[0] == "cd" and len(command.words) > 1 and not command.why:
            folder = posixpath.join(folder, command.words[1])
        for one in _of(command, place, here, hard):
            if command.why:
                yield Idle(one.origin, one, command.why, command.instead)
            elif command.maybe and isinstance(one, Unloaded | Unmounted):
                continue
            elif isinstance(one, Idle):
                yield one
            else:
                if isinstance(one, Loaded) and one.path and UNKNOWN not in one.path:
                    one = replace(one, path=posixpath.normpath(posixpath.join(folder, one.path)))
                if isinstance(one, OpenFiles):
                    soft[command.shell] = one.soft
                    hard = max(hard, one.soft) if hard and one.soft else hard
                    if command.shell:
                        why = "it stands in a shell of its own, with which the limit ends"
                        yield Idle(one.origin, one, why, "write it on a line of its own")
                        continue
                yield one


def _of(command: Command, place: Place, soft: int | None, hard: int | None) -> Iterator[Effect]:
    words, origin = command.words, command.origin
    name, arguments = PurePosixPath(words[0]).name, list(words[1:])
    if not place.sbin and words[0] in _ADMINS:
        fixed = replace(command, words=(f"/usr/sbin/{name}", *arguments))
        for one in _of(fixed, replace(place, sbin=True), soft, hard):
            why = "cron's PATH is /usr/bin:/bin, in which there is no " + name
            yield Idle(origin, one, why, f"write /usr/sbin/{name}")
        return
    match name:
        case "ulimit":
            yield from _ulimit(arguments, command, hard, place)
        case "prlimit":
            yield from _prlimit(arguments, origin)
        case "mount":
            yield from _mount(arguments, origin)
        case "umount":
            yield from _umount(arguments, origin)
        case "insmod":
            yield from _insmod(arguments, origin)
        case "modprobe":
            yield from _modprobe(arguments, origin)
        case "rmmod":
            yield from (Unloaded(origin, module(one)) for one in _plain(arguments))
        case "sysctl":
            for given in _plain(arguments):
                key, equals, value = given.partition("=")
                if equals:
                    yield from kernel_parameter(key, value, origin)
        case "echo" | "printf" | "tee":
            yield from _written(name, arguments, command)
        case reserver if reserver in _RESERVERS and arguments:
            yield Pages(origin, None)
        case "dpvs":
            if not {"-v", "-h", "--version", "--help"} & set(arguments):
                yield Started(origin, soft, place.user)


def _ulimit(
    arguments: list[str], command: Command, hard: int | None, place: Place
) -> Iterator[Effect]:
    flags = "".join(one[1:] for one in arguments if re.fullmatch(r"-[A-Za-z]+", one))
    values = [one for one in arguments if not one.startswith("-")]
    attached = re.fullmatch(r"-[SH]*n(\d+)", arguments[0]) if arguments else None
    if attached:
        flags, values = flags + "n", [attached[1]]
    if not values:
        return
    value, origin = values[0], command.origin
    number = int(value) if value.isdigit() and len(value) < 16 else None
    effect = OpenFiles(origin, number)
    right = "write `ulimit -n NUMBER`"
    if "n" not in flags:
        if not flags.strip("SH"):
            yield Idle(origin, effect, "without -n it limits the size of files", right)
    elif "H" in flags and "S" not in flags:
        yield Idle(origin, effect, "it sets the hard limit alone, and dpvs has the soft one", right)
    elif value in ("unlimited", "infinity") or (number is not None and number > place.nr_open):
        why = f"the kernel refuses more than fs.nr_open, {place.nr_open}"
        yield Idle(origin, effect, why, "raise fs.nr_open in /etc/sysctl.d first")
    elif "S" in flags and "H" not in flags and number and hard and number > hard:
        yield Idle(origin, effect, f"the soft limit cannot be above the hard one, {hard}", right)
    elif number is None and UNKNOWN not in value:
        yield Idle(origin, effect, f"{value!r} is no number", right)
    else:
        yield effect


def _prlimit(arguments: list[str], origin: Origin) -> Iterator[Effect]:
    for one in arguments:
        if match := re.fullmatch(r"(?:--nofile|-n)=(\d+)(?::\d*)?", one):
            yield OpenFiles(origin, int(match[1]))


def _mount(arguments: list[str], origin: Origin) -> Iterator[Effect]:
    kind, options, rest = "", [], []
    words = iter(arguments)
    for word in words:
        if word in _TAKES:
            value = next(words, "")
            kind = value if word == "-t" else kind
            options += value.split(",") if word == "-o" else []
        elif word.startswith("-t") and len(word) > 2 and not word.startswith("--"):
            kind = word[2:]
        elif not word.startswith("-"):
            rest.append(word)
        elif word in ("-a", "--all"):
            yield Mounted(origin, "*", "")
            return
    if rest and "remount" not in options:
        # With one argument alone it is fstab that says what is mounted.
        kind = kind or ("another folder" if len(rest) > 1 else "")
        yield Mounted(origin, _point(rest[-1]), kind, tuple(options))


def _umount(arguments: list[str], origin: Origin) -> Iterator[Effect]:
    if "-a" in arguments or "--all" in arguments:
        kinds = arguments[arguments.index("-t") + 1 :][:1] if "-t" in arguments else []
        if not kinds or "hugetlbfs" in kinds[0].split(","):
            yield Unmounted(origin, "*")
        return
    yield from (Unmounted(origin, _point(one)) for one in _plain(arguments))


def _insmod(arguments: list[str], origin: Origin) -> Iterator[Effect]:
    plain = [one for one in arguments if not one.startswith("-")]
    if plain:
        yield Loaded(origin, module(plain[0]), "insmod", tuple(plain[1:]), plain[0])


def _modprobe(arguments: list[str], origin: Origin) -> Iterator[Effect]:
    flags = {one for one in arguments if one.startswith("-")}
    plain = _plain(arguments)
    if flags & {"-n", "--dry-run", "--show", "-c"} or not plain:
        return
    if flags & {"-r", "--remove"}:
        yield from (Unloaded(origin, module(one)) for one in plain)
        return
    by = "modprobe -b" if flags & {"-b", "--use-blacklist"} else "modprobe"
    if flags & {"-a", "--all"}:
        yield from (Loaded(origin, module(one), by) for one in plain)
    else:
        yield Loaded(origin, module(plain[0]), by, tuple(plain[1:]))


def _written(name: str, arguments: list[str], command: Command) -> Iterator[Effect]:
    targets = list(command.writes)
    value = " ".join(one for one in arguments if one not in ("-n", "-e"))
    if name == "tee":
        targets += [one for one in arguments if not one.startswith("-")]
        value = command.piped
    if name == "printf":
        value = value.replace("\\n", "").replace("%s ", "").replace("%d ", "")
    if command.why == COMMENT:
        value = value.split(">")[0].strip()
    for target in targets:
        yield from write(target, value.strip(), command.origin)


def write(target: str, value: str, origin: Origin) -> Iterator[Effect]:
    """The effect of writing a value into a file of sysfs or procfs."""
    count = int(value) if value.isdigit() and len(value) < 12 else None
    if count is None and UNKNOWN not in value:
        return
    if match := _NODE.fullmatch(target):
        nodes = [int(match[1])] if match[1].isdigit() else [None]
        for node in nodes:
            # All nodes by a pattern: each has the whole number.
            yield Pages(origin, count, -1 if node is None else node, int(match[2]))
    elif match := _ALL.fullmatch(target):
        yield Pages(origin, count, None, int(match[1]))
    elif match := _ANY.fullmatch(target):
        yield Pages(origin, count, -1, int(match[1]))
    elif _NO_FILE.fullmatch(target):
        about = Pages(origin, count)
        yield Idle(origin, about, f"there is no file {target}", "write …/nr_hugepages")
    elif target.startswith("/proc/sys/"):
        yield from kernel_parameter(target.removeprefix("/proc/sys/"), value, origin)


def kernel_parameter(key: str, value: str, origin: Origin) -> Iterator[Effect]:
    """The effect of a sysctl; its name with dots or slashes."""
    first = re.search(r"[./]", key)
    name = key.strip().replace("/", ".") if first is None or first[0] == "/" else key.strip()
    value = value.strip().strip("\"'")
    if name in ("vm.nr_hugepages", "vm.nr_hugepages_mempolicy"):
        number = re.match(r"\d{1,11}(?!\S)", value)
        if number or UNKNOWN in value:
            yield Pages(origin, int(number[0]) if number else None)
    elif _NO_PARAMETER.fullmatch(name):
        about = Pages(origin, None)
        yield Idle(origin, about, f"the kernel has no {name}", "write vm.nr_hugepages")
    else:
        yield Sysctl(origin, name, value)


def module(word: str) -> str:
    """The kernel's name of a module, by its name or by the path of its file."""
    return PurePosixPath(word).name.split(".ko")[0].replace("-", "_")


def _plain(arguments: list[str]) -> list[str]:
    return [one for one in arguments if not one.startswith("-")]


def _point(word: str) -> str:
    return word.rstrip("/") or "/"
