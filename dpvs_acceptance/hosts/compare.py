"""Compares two snapshots of one host in everything that a run must restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import facts, iproute, netfacts
from .boot_files import read_boot_files
from .processes import process_list
from .snapshot import Snapshot

# Programs that a run starts on some host: the processes must be the same before and after.
PROGRAMS = ("dpvs", "dpip", "ipvsadm", "keepalived", "nginx", "tcpdump")


@dataclass(frozen=True, slots=True)
class HostDifference:
    """One difference. None: missing before, or missing after."""

    host: str
    what: str
    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        thing = f"{self.host}: {self.what} {self.name}"
        if self.before is None:
            return f"{thing} is new: {self.after}"
        if self.after is None:
            return f"{thing} is gone: it was {self.before}"
        return f"{thing} was {self.before}, is {self.after}"


@dataclass(frozen=True, slots=True)
class _Aspect:
    """A section, and its values that must not change: a text by name."""

    what: str
    section: str
    read: Callable[[str], Mapping[str, str]]


def differences(
    before: Snapshot, after: Snapshot, *, programs: Collection[str] = PROGRAMS
) -> tuple[HostDifference, ...]:
    """Differences between `before` and `after`: drivers, hugepages per node, mounts, modules,
    links, addresses, routes, rules and routes of other tables, sysctls, files, commands at boot,
    and processes of `programs`.

    Sections in only one of the snapshots are not compared, but a section that could be read before
    and cannot be read after is a difference. Raises FactError if a section cannot be parsed.
    """
    found: list[HostDifference] = []
    aspects = (*_ASPECTS, _Aspect("processes of", "processes", lambda t: _processes(t, programs)))
    for aspect in aspects:
        if aspect.section not in before.sections or aspect.section not in after.sections:
            continue
        was, now = before.get(aspect.section), after.get(aspect.section)
        if not was.ok and not now.ok:
            continue
        if was.ok and not now.ok:
            why = now.note or now.stderr.strip() or f"exit {now.exit_status}"
            found.append(HostDifference(after.host, "reading", aspect.section, "possible", why))
            continue
        old = aspect.read(was.stdout) if was.ok else {}
        new = aspect.read(now.stdout)
        found += [
            HostDifference(after.host, aspect.what, name, old.get(name), new.get(name))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return tuple(found)


def _drivers(text: str) -> Mapping[str, str]:
    return {
        device.address: f"{device.driver or 'no driver'}"
        + (f" ({', '.join(device.interfaces)})" if device.interfaces else "")
        for device in netfacts.pci_devices(text).values()
    }


def _hugepages(text: str) -> Mapping[str, str]:
    return {
        f"of {pool.size_kb} kB on node {pool.node}": f"{pool.total}"
        for pool in facts.hugepages(text)
    }


def _mounts(text: str) -> Mapping[str, str]:
    found: dict[str, list[str]] = {}
    for mount in facts.mounts(text):
        found.setdefault(mount.point, []).append(f"{mount.type} ({mount.device})")
    return {point: ", ".join(kinds) for point, kinds in found.items()}


def _links(text: str) -> Mapping[str, str]:
    return {
        link.name: f"{'up' if 'UP' in link.flags else 'down'} mtu {link.mtu} {link.mac or ''}"
        + (f" in {link.master}" if link.master else "")
        for link in iproute.links(text).values()
    }


def _addresses(text: str) -> Mapping[str, str]:
    return {f"{one.address} dev {one.dev}": f"scope {one.scope}" for one in iproute.addresses(text)}


def _routes(version: int) -> Callable[[str], Mapping[str, str]]:
    def read(text: str) -> Mapping[str, str]:
        counts = Counter(str(route) for route in iproute.routes(text, version))
        return {route: f"there {count} times" for route, count in counts.items()}

    return read


def _policy_routing(text: str) -> Mapping[str, str]:
    counts = Counter(line.strip() for line in text.splitlines())
    return {line: f"there {count} times" for line, count in counts.items()}


def _modes(text: str) -> Mapping[str, str]:
    return {file.path: f"{file.mode:o} {file.owner}" for file in facts.files(text).values()}


def _contents(text: str) -> Mapping[str, str]:
    return {path: f"SHA-256 {digest[:12]}…" for path, digest in facts.digests(text).items()}


def _boot_files(text: str) -> Mapping[str, str]:
    read = read_boot_files(text).lines
    return {path: " | ".join(line for _, line in lines) for path, lines in read.items()}


def _processes(text: str, programs: Collection[str]) -> Mapping[str, str]:
    names = (
        # nginx puts its role into its command line: `nginx: worker process`.
        PurePosixPath(process.command.split(" ", 1)[0]).name.rstrip(":")
        for process in process_list(text)
    )
    counts = Counter(name for name in names if name in programs)
    return {name: f"{count} running" for name, count in counts.items()}


_ASPECTS = (
    _Aspect("boot", "boot_id", lambda text: {"id": text.strip()}),
    _Aspect("driver of", "pci net", _drivers),
    _Aspect("hugepages", "hugepages", _hugepages),
    _Aspect("mount", "/proc/mounts", _mounts),
    _Aspect("module", "lsmod", lambda text: dict.fromkeys(facts.modules(text), "loaded")),
    _Aspect("link", "ip link", _links),
    _Aspect("address", "ip addr", _addresses),
    _Aspect("route", "ip -4 route", _routes(4)),
    _Aspect("route", "ip -6 route", _routes(6)),
    _Aspect("policy routing,", "ip rule", _policy_routing),
    _Aspect("sysctl", "sysctl", facts.sysctls),
    _Aspect("mode of", "file modes", _modes),
    _Aspect("content of", "file digests", _contents),
    _Aspect("at boot,", "boot files", _boot_files),
)

SECTIONS = frozenset((*(aspect.section for aspect in _ASPECTS), "processes"))
"""The sections of the survey that `differences` compares."""
