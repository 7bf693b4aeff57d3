"""All that a boot does, in its order: kernel, modules, sysctl, tmpfiles, mounts, units, rc.local,
cron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot import fstab, kernel, modules, scripts, sysctl
from dpvs_acceptance.observed.boot.command import Command
from dpvs_acceptance.observed.boot.effects import (
    Effect,
    Idle,
    Loaded,
    Mounted,
    Origin,
    Sysctl,
    Unloaded,
)
from dpvs_acceptance.observed.boot.limits import Login, login
from dpvs_acceptance.observed.boot.meaning import Place
from dpvs_acceptance.observed.boot.units import (
    RC_LOCAL,
    Unit,
    after,
    limit,
    mount_name,
    not_started,
    read_settings,
    read_units,
)

_LOADER, _SYSCTL, _TMPFILES = (
    f"systemd-{name}.service" for name in ("modules-load", "sysctl", "tmpfiles-setup")
)
_MOUNTS, _CRON, _KERNEL = "local-fs.target", "cron", "the kernel"
_EARLY = (_KERNEL, _LOADER, _SYSCTL, _TMPFILES, _MOUNTS)
_STARTERS = ("start", "restart", "reload-or-restart", "enable")


@dataclass(frozen=True, slots=True)
class _System:
    """What depends on the distribution: ID and version of os-release."""

    name: str
    version: str

    @property
    def debian(self) -> bool:
        return self.name in ("debian", "ubuntu", "devuan", "linuxmint")

    @property
    def hard(self) -> int:
        """The hard limit of open files where nothing sets one."""
        old = self.name in ("centos", "rhel", "ol") and self.version.startswith("7")
        return 4096 if old else 524288


def _system(files: BootFiles) -> _System:
    words = (text.partition("=") for _, text in files.lines.get("/etc/os-release", ()))
    values = {key: value.strip("\"'") for key, _, value in words}
    return _System(values.get("ID", ""), values.get("VERSION_ID", ""))


@dataclass(frozen=True, slots=True)
class Boot:
    """What a boot does.

    nodes: of the host. effects: in their order; groups: which stage or unit each belongs to, and
    before: what of these is over when it begins. idle: lines without effect. login: what PAM gives.
    manager: systemd's default limit of open files with its line. page_kb: the default size of a
    hugepage. rules: of modprobe. built_in: modules that are part of the kernel.
    """

    nodes: tuple[int, ...]
    effects: tuple[Effect, ...]
    idle: tuple[Idle, ...]
    groups: tuple[str, ...]
    before: Mapping[str, frozenset[str]]
    login: Login
    manager: tuple[int | None, Origin | None]
    page_kb: int
    rules: modules.Rules
    built_in: frozenset[str]
    units: Mapping[str, Unit]

    def surely_before(self, one: int, other: int) -> bool:
        """Whether effect number `one` has happened when `other` happens, on every boot."""
        first, second = self.groups[one], self.groups[other]
        if first == second:
            return one < other
        return first in _EARLY or first in self.before.get(second, ())


def boot(files: BootFiles) -> Boot:
    """What a boot of the host with these files does."""
    system = _system(files)
    words = kernel.command_line(files)
    page_kb = kernel.default_size(words, files.page_kb)
    units = read_units(files)
    early = {
        _KERNEL: list(kernel.pages(words, files.page_kb)),
        _LOADER: list(modules.listed(files, words)),
        _SYSCTL: list(sysctl.parameters(files)),
        _TMPFILES: list(sysctl.written(files)),
    }
    nr_open = _nr_open(early[_SYSCTL], files.nr_open)
    soft, hard, line = _manager(files, nr_open, system.hard)
    place = Place(soft=soft, hard=hard, nr_open=nr_open)
    generated = _generated(files)
    plain = [word for _, word in words]
    reasons = not_started(files, units, plain, generated)
    for name in (_LOADER, _SYSCTL, _TMPFILES):
        if name in units and units[name].masked:
            early[name] = _idle(early[name], f"{name} is masked", f"systemctl unmask {name}")
    unit = units.get(RC_LOCAL)
    local, ran = scripts.rc_local(
        files, unit, reasons.get(RC_LOCAL, ("", "")), _place(unit, place, nr_open)
    )
    generated |= {(_KERNEL, name) for name in _asked_for(ran)}
    generated |= {("basic.target", b) for a, b in generated if a == _KERNEL}
    reasons = not_started(files, units, plain, generated)
    groups: dict[str, list[Effect]] = {**early, _MOUNTS: _mounts(files, units, reasons)}
    for name, one in units.items():
        if name in (*_EARLY, RC_LOCAL) or not name.endswith(".service"):
            continue
        did = list(scripts.unit_effects(files, one, _place(one, place, nr_open)))
        why = reasons[name] if reasons[name][0] else _not_root(one)
        groups[name] = _idle(did, *why) if why[0] else did
    user = _not_root(unit) if unit is not None else ("", "")
    groups[RC_LOCAL] = _idle(local, *user) if user[0] else list(local)
    groups[_CRON] = list(scripts.cron(files, _no_cron(files, units, reasons), place))
    before = {name: frozenset(after(units, name)) for name in groups}
    ordered = [(name, one) for name in _ordered(groups, before) for one in groups[name]]
    rules = modules.rules(files, words)
    resolved = _loaded(ordered, rules, files)
    kept = [(name, one) for name, one in resolved if not isinstance(one, Idle)]
    idle = [one for _, one in resolved if isinstance(one, Idle)]
    idle += [o for o in kernel.not_generated(files, words, files.page_kb) if isinstance(o, Idle)]
    return Boot(
        nodes=files.nodes,
        effects=tuple(one for _, one in kept),
        idle=tuple(idle),
        groups=tuple(name for name, _ in kept),
        before=before,
        login=login(files, system.hard, nr_open, not system.debian),
        manager=(soft if line else None, line),
        page_kb=page_kb,
        rules=rules,
        built_in=files.built_in,
        units=units,
    )


def _nr_open(effects: Iterable[Effect], last: int) -> int:
    for one in effects:
        if isinstance(one, Sysctl) and one.name == "fs.nr_open" and one.value.isdigit():
            last = int(one.value)
    return last


def _manager(
    files: BootFiles, nr_open: int, hard: int
) -> tuple[int | None, int | None, Origin | None]:
    """DefaultLimitNOFILE of systemd: soft, hard, and its line if there is one."""
    found: tuple[int | None, int | None, Origin | None] = 1024, hard, None
    folder = sorted(p for p in files.lines if p.startswith("/etc/systemd/system.conf.d/"))
    for path in ("/etc/systemd/system.conf", *folder):
        for section, key, value, origin in read_settings(files, path):
            if (section, key) == ("Manager", "DefaultLimitNOFILE") and value:
                found = *limit(value, nr_open), origin
    return found


def _generated(files: BootFiles) -> set[tuple[str, str]]:
    """systemd starts rc-local.service where its script can be run, and what fstab names."""
    found = {("multi-user.target", RC_LOCAL)}
    for one in fstab.entries(files):
        if isinstance(one, Mounted):
            found.add((_MOUNTS, mount_name(one.point)))
    return found


def _asked_for(ran: tuple[Command, ...]) -> set[str]:
    """Units that a script starts by systemctl."""
    found = set()
    for one in ran:
        if one.why or one.words[0].rsplit("/", 1)[-1] != "systemctl":
            continue
        plain = [word for word in one.words[1:] if not word.startswith("-")]
        if plain[:1] and plain[0] in _STARTERS:
            found |= {word if "." in word else f"{word}.service" for word in plain[1:]}
    return found


def _not_root(unit: Unit) -> tuple[str, str]:
    """Reasons why the commands of a unit may not take effect; dpvs itself is excluded."""
    user = unit.last("Service", "User")
    if user is None or user[0] in ("root", "0") or "dpvs" in unit.name:
        return "", ""
    return f"{unit.name} runs as {user[0]} ({user[1]}), who may not do that", "take User= away"


def _place(unit: Unit | None, place: Place, nr_open: int) -> Place:
    """What the commands of a service begin with."""
    if unit is None:
        return place
    user = unit.last("Service", "User")
    if user is not None:
        place = replace(place, user=user[0])
    given = unit.last("Service", "LimitNOFILE")
    if given is None:
        return place
    soft, hard = limit(given[0], nr_open)
    return replace(place, soft=soft, hard=hard)


def _mounts(
    files: BootFiles, units: Mapping[str, Unit], reasons: Mapping[str, tuple[str, str]]
) -> list[Effect]:
    """Lines of fstab and mount units, the outer ones first, as systemd mounts them."""
    found: list[Effect] = []
    for one in fstab.entries(files):
        unit = units.get(mount_name(one.point)) if isinstance(one, Mounted) else None
        if unit is None:
            found.append(one)
        elif unit.masked:
            why = f"{unit.name} is masked ({unit.path})"
            found.append(Idle(one.origin, one, why, f"run `systemctl unmask {unit.name}`"))
        elif unit.path.startswith(("/etc/", "/run/")):
            why = f"{unit.path} stands in its place"
            found.append(Idle(one.origin, one, why, "keep one of the two"))
        else:
            found.append(one)
    for name, unit in units.items():
        where, kind = unit.last("Mount", "Where"), unit.last("Mount", "Type")
        if where is None:
            continue
        options = unit.last("Mount", "Options")
        mount = Mounted(
            where[1], where[0].rstrip("/") or "/", kind[0] if kind else "",
            tuple(options[0].split(",")) if options else (),
        )  # fmt: skip
        why, instead = reasons[name]
        if name != mount_name(where[0]):
            why, instead = (
                f"{unit.path} has another name than its Where=",
                (f"call it {mount_name(where[0])}"),
            )
        if not why and mount.kind == "hugetlbfs" and (bad := fstab.problem(mount)):
            why, instead = bad
        found.append(Idle(mount.origin, mount, why, instead) if why else mount)
    if not files.systemd:
        return found
    return sorted(found, key=lambda o: o.point.count("/") if isinstance(o, Mounted) else 0)


def _no_cron(
    files: BootFiles, units: Mapping[str, Unit], reasons: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    if not files.systemd:
        return None
    names = [name for name in ("crond.service", "cron.service") if name in units]
    if not names:
        return "no cron is installed", "install cron, or write a unit"
    return reasons[names[0]] if reasons[names[0]][0] else None


def _idle(effects: Iterable[Effect], why: str, instead: str) -> list[Effect]:
    return [o if isinstance(o, Idle) else Idle(o.origin, o, why, instead) for o in effects]


def _ordered(groups: Mapping[str, object], before: Mapping[str, frozenset[str]]) -> list[str]:
    """Names of groups in an order that a boot may have: rc.local and cron as late as can be."""
    rank = {name: number for number, name in enumerate(_EARLY)} | {RC_LOCAL: 90, _CRON: 91}
    left, placed = set(groups), list[str]()
    while left:
        free = [name for name in left if not before[name] & left] or list(left)
        chosen = min(free, key=lambda name: (rank.get(name, 50), name))
        placed.append(chosen)
        left.discard(chosen)
    return placed


def _loaded(
    ordered: list[tuple[str, Effect]], rules: modules.Rules, files: BootFiles
) -> list[tuple[str, Effect]]:
    """The same with modules as modprobe's rules have them loaded, or not."""
    there: set[str] = set()
    found: list[tuple[str, Effect]] = []
    for name, one in ordered:
        if isinstance(one, Unloaded):
            there.discard(one.module)
        elif isinstance(one, Loaded):
            if one.module in there and one.by != "insmod":
                continue  # modprobe leaves a loaded module as it is
            one = modules.loading(one, rules, files, there)
            if isinstance(one, Loaded):
                there |= {
                    one.module,
                    *(() if one.by == "insmod" else modules.NEEDS.get(one.module, ())),
                }
        found.append((name, one))
    return found
