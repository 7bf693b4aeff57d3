"""Parsers for the platform sections of a snapshot. Pure; strict: no line is skipped.

Each function takes the text of one section of `survey` and raises FactError, which quotes the line,
for an unknown line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


class FactError(ValueError):
    """A line of a section cannot be parsed; quotes it and names the section."""

    def __init__(self, section: str, line: str, expected: str) -> None:
        super().__init__(f"{section}: {line!r} is not {expected}")
        self.section = section
        self.line = line


@dataclass(frozen=True, slots=True)
class Cpus:
    """smt_active: None if the kernel does not report it (see `siblings`). online: CPU numbers."""

    smt_active: bool | None
    online: frozenset[int]
    isolated: frozenset[int]
    siblings: tuple[frozenset[int], ...]

    @property
    def hyper_threading(self) -> bool:
        """Two hardware threads of one core are in use (deployment guide 1.1.2)."""
        return bool(self.smt_active) or any(len(core) > 1 for core in self.siblings)


@dataclass(frozen=True, slots=True)
class NumaNode:
    """One NUMA node; memory in kB, including hugepages."""

    id: int
    cpus: frozenset[int]
    total_kb: int
    free_kb: int


@dataclass(frozen=True, slots=True)
class HugepagePool:
    """The pool of one page size on one NUMA node; counts of pages."""

    node: int
    size_kb: int
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/mounts."""

    device: str
    point: str
    type: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded kernel module. `size` in bytes; `used_by` names of modules."""

    name: str
    size: int
    references: int
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """modinfo of a module on disk; the first word of `vermagic` is its kernel."""

    name: str
    filename: str
    vermagic: str

    @property
    def kernel(self) -> str:
        return self.vermagic.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class File:
    """An existing file; `mode` such as 0o755, `size` in bytes."""

    path: str
    mode: int
    owner: str
    size: int
    kind: str

    @property
    def executable(self) -> bool:
        return bool(self.mode & 0o111)


@dataclass(frozen=True, slots=True)
class Tool:
    """A command and all its matches in PATH, in order: (path, resolved file)."""

    name: str
    matches: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str | None:
        return self.matches[0][0] if self.matches else None


@dataclass(frozen=True, slots=True)
class Patch:
    """A DPDK patch of DPVS. `state`: applied, missing, or unclear with the output of `patch`."""

    name: str
    state: str
    why: str = ""


def cpus(text: str) -> Cpus:
    """Section `cpu`."""
    values = dict(_path_values("cpu", text))
    active = values.get("smt/active")
    cores = {value for path, value in values.items() if path.endswith("thread_siblings_list")}
    return Cpus(
        smt_active=None if active is None else active == "1",
        online=cpu_list(values.get("online", "")),
        isolated=cpu_list(values.get("isolated", "")),
        siblings=tuple(cpu_list(core) for core in sorted(cores)),
    )


def cpu_list(text: str) -> frozenset[int]:
    """The kernel's list format: `0-3,8`; empty for none. At most five digits per number."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
        if match is None:
            raise FactError("cpu list", text, "a list of CPUs such as 0-3,8")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found)


def numa_nodes(text: str) -> tuple[NumaNode, ...]:
    """Section `numa`: the nodes by number."""
    lists: dict[int, str] = {}
    memory: dict[int, dict[str, int]] = {}
    for path, value in _path_values("numa", text):
        match = re.fullmatch(r"node(\d{1,18})/(cpulist|meminfo)", path)
        if match is None:
            raise FactError("numa", path, "a file of a NUMA node")
        node = int(match[1])
        if match[2] == "cpulist":
            lists[node] = value
            continue
        line = re.fullmatch(r"Node \d+ (\S+):\s+(\d{1,18})(?: kB)?", value)
        if line is None:
            raise FactError("numa", value, "`Node N Name: number kB`")
        memory.setdefault(node, {})[line[1]] = int(line[2])
    return tuple(
        NumaNode(
            id=node,
            cpus=cpu_list(lists[node]),
            total_kb=memory.get(node, {}).get("MemTotal", 0),
            free_kb=memory.get(node, {}).get("MemFree", 0),
        )
        for node in sorted(lists)
    )


def hugepages(text: str) -> tuple[HugepagePool, ...]:
    """Section `hugepages`: by node, then page size."""
    counts: dict[tuple[int, int], dict[str, int]] = {}
    for path, value in _path_values("hugepages", text):
        match = re.fullmatch(
            r"node(\d{1,9})/hugepages/hugepages-(\d{1,9})kB/(nr|free)_hugepages", path
        )
        if match is None or not re.fullmatch(r"\d{1,18}", value):
            raise FactError("hugepages", f"{path}:{value}", "the page count of a pool")
        counts.setdefault((int(match[1]), int(match[2])), {})[match[3]] = int(value)
    return tuple(
        HugepagePool(node, size, count.get("nr", 0), count.get("free", 0))
        for (node, size), count in sorted(counts.items())
    )


def mounts(text: str) -> tuple[Mount, ...]:
    """Section `/proc/mounts`, in order."""
    found = []
    for line in text.splitlines():
        words = [_unescape(word) for word in line.split()]
        if len(words) < 4:
            raise FactError("/proc/mounts", line, "`device point type options`")
        found.append(Mount(words[0], words[1], words[2], tuple(words[3].split(","))))
    return tuple(found)


def modules(text: str) -> dict[str, Module]:
    """Section `lsmod`, by name."""
    lines = text.splitlines()
    if not lines or lines[0].split() != ["Module", "Size", "Used", "by"]:
        raise FactError("lsmod", lines[0] if lines else "", "the header `Module Size Used by`")
    found = {}
    for line in lines[1:]:
        match = re.fullmatch(r"(\S+)\s+(-?\d{1,18})\s+(-?\d{1,18})(?:\s+(\S+))?\s*", line)
        if match is None:
            raise FactError("lsmod", line, "`name size references users`")
        if int(match[2]) < 0:
            continue  # an errno: the module was unloaded while lsmod read it
        used_by = tuple(name for name in (match[4] or "").split(",") if name not in ("", "-"))
        found[match[1]] = Module(match[1], int(match[2]), int(match[3]), used_by)
    return found


def module_infos(text: str) -> dict[str, ModuleInfo]:
    """Section `modinfo`, by requested name or path."""
    found = {}
    for name, attributes in records("modinfo", text, "module"):
        values = dict(attributes)
        filename, vermagic = values.get("filename", ""), values.get("vermagic", "").strip()
        found[name] = ModuleInfo(name, filename, vermagic)
    return found


def files(text: str) -> dict[str, File]:
    """Section `file modes`: existing files by path."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(.*):([0-7]{1,6}) (\S+:\S+) (\d{1,18}) (.+)", line)
        if match is None:
            raise FactError("file modes", line, "`path:mode owner size kind`")
        found[match[1]] = File(match[1], int(match[2], 8), match[3], int(match[4]), match[5])
    return found


def digests(text: str) -> dict[str, str]:
    """Section `file digests`: SHA-256 by path."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if match is None:
            raise FactError("file digests", line, "`digest  path`")
        found[match[2]] = match[1]
    return found


def tools(text: str) -> dict[str, Tool]:
    """Section `tools`, by name."""
    found = {}
    for name, attributes in records("tools", text, "tool"):
        paths = [value for key, value in attributes if key == "match"]
        real = [value for key, value in attributes if key == "real"]
        if len(paths) != len(real):
            raise FactError("tools", f"{name} {attributes}", "`match` and `real` for each place")
        # PATH may contain a directory twice.
        found[name] = Tool(name, tuple(dict.fromkeys(zip(paths, real, strict=True))))
    return found


def patches(text: str) -> tuple[Patch, ...]:
    """Section `patches`, by name."""
    found = []
    for name, attributes in records("patches", text, "patch"):
        state = dict(attributes).get("state", "")
        if state not in ("applied", "missing", "unclear"):
            raise FactError("patches", state, "applied, missing or unclear")
        why = "\n".join(value for key, value in attributes if key == "why")
        found.append(Patch(name, state, why))
    return tuple(found)


def sysctls(text: str) -> Mapping[str, str]:
    """Section `sysctl`: values by path below /proc/sys/net."""
    return dict(_path_values("sysctl", text))


def records(section: str, text: str, kind: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Name and attributes, in order, of each record printed by a script of `collect`."""
    current: tuple[str, list[tuple[str, str]]] | None = None
    for line in text.splitlines():
        if line.startswith(" "):
            if current is None:
                raise FactError(section, line, f"an attribute of a {kind}")
            key, _, value = line[1:].partition(" ")
            current[1].append((key, value))
        elif line.startswith(f"{kind} "):
            if current is not None:
                yield current
            current = line[len(kind) + 1 :], []
        else:
            raise FactError(section, line, f"a {kind} or its attribute")
    if current is not None:
        yield current


def _path_values(section: str, text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        path, colon, value = line.partition(":")
        if not colon:
            raise FactError(section, line, "`path:value`")
        yield path, value


def _unescape(word: str) -> str:
    """The kernel writes a space in a path as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)
