"""Answers: is it in force after a boot, by which line; or which line has no effect, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.observed.boot.effects import (
    COMMENT,
    Effect,
    Idle,
    Loaded,
    Mounted,
    OpenFiles,
    Pages,
    Started,
    Unloaded,
    Unmounted,
)
from dpvs_acceptance.observed.boot.fstab import octets
from dpvs_acceptance.observed.boot.sequence import Boot


@dataclass(frozen=True, slots=True)
class AfterBoot:
    """`holds`: it is in force after a boot. `named`: some file is about it, with effect or without.
    `lines`: by which line, or what is wrong, one sentence each. `by`: the effects that do it."""

    holds: bool
    named: bool
    lines: tuple[str, ...]
    by: tuple[Effect, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines)


def hugetlbfs(boot: Boot, point: str, size_kb: int) -> AfterBoot:
    """Whether hugetlbfs of this page size is mounted on `point`, with nothing on top."""
    point = point.rstrip("/")
    stack: list[Mounted] = []
    notes: list[str] = []
    declared = {
        one.point: one
        for effect in (*boot.effects, *(i.about for i in boot.idle if "noauto" in i.why))
        if isinstance(one := effect, Mounted) and one.kind
    }
    for one in boot.effects:
        if isinstance(one, Mounted) and one.point != "*":
            whole = one if one.kind else declared.get(one.point, one)
            covers = point.startswith(one.point.rstrip("/") + "/") and one.point != "/"
            if one.point == point or (covers and stack):
                stack.append(whole)
        elif isinstance(one, Unmounted) and one.point in (point, "*") and stack:
            notes.append(f"{one.origin} takes the mount of {stack.pop().origin.path} away again")
    top = stack[-1] if stack else None
    idle = _idle_about(boot, lambda a: isinstance(a, Mounted) and a.point == point)
    if top is not None:
        wrong = _wrong_mount(boot, top, point, size_kb)
        if not wrong:
            return AfterBoot(True, True, (f"mounted by {top.origin}",), (top,))
        notes.append(wrong)
    notes += _told(idle)
    elsewhere = [
        f"{one.origin} mounts hugetlbfs on {one.point}, not on {point}"
        for one in boot.effects
        if isinstance(one, Mounted) and one.kind == "hugetlbfs" and one.point not in (point, "*")
        and not one.origin.path.endswith("dev-hugepages.mount")
    ]  # fmt: skip
    nothing = () if notes or elsewhere else (
        f"no file mounts hugetlbfs on {point}: write `nodev {point} hugetlbfs defaults 0 0` into "
        "/etc/fstab",
    )  # fmt: skip
    return AfterBoot(False, bool(stack) or _meant(idle), (*notes, *elsewhere, *nothing))


def _wrong_mount(boot: Boot, top: Mounted, point: str, size_kb: int) -> str:
    if top.point != point:
        return f"{top.origin} mounts {top.kind or 'something'} on {top.point}, over {point}"
    if top.kind != "hugetlbfs":
        return f"{top.origin} mounts {top.kind or 'something'} on {point}, and not hugetlbfs"
    size = boot.page_kb
    for option in top.options:
        key, _, value = option.partition("=")
        if key == "pagesize":
            size = (octets(value) or 0) // 1024
        if key == "size" and (most := octets(value)) is not None and most < 1024**3:
            return f"{top.origin} has room for {most // 1024} kB alone; take `{option}` away"
    if size != size_kb:
        return (
            f"{top.origin} is for pages of {size} kB, and DPVS is to have pages of {size_kb} kB: "
            f"write pagesize={_size_word(size_kb)}"
        )
    return ""


def _size_word(size_kb: int) -> str:
    return "1G" if size_kb == 1048576 else f"{size_kb // 1024}M"


def hugepages(boot: Boot, nodes: Sequence[int], size_kb: int, wanted: int) -> AfterBoot:
    """Whether a boot gives each of `nodes` at least `wanted` pages."""
    everywhere = tuple(dict.fromkeys((*boot.nodes, *nodes)))
    pool: dict[int, tuple[int | None, Pages]] = {}
    other: list[str] = []
    for one in boot.effects:
        if not isinstance(one, Pages):
            continue
        size = boot.page_kb if one.size_kb is None else one.size_kb
        if size != size_kb:
            if one.count:
                other.append(f"{one.origin} reserves pages of {size} kB, not of {size_kb} kB")
            continue
        where = everywhere if one.node in (None, -1) else (one.node,)
        share = one.count
        if one.node is None and one.count is not None:
            share = one.count // len(everywhere)
        for node in where:
            pool[int(node or 0)] = share, one
    idle = _idle_about(boot, lambda about: isinstance(about, Pages))
    named = bool(pool or other) or _meant(idle)
    if not pool:
        nothing = f"no file reserves {wanted} pages of {size_kb} kB on each node"
        return AfterBoot(False, named, tuple([*other, *_told(idle)] or [nothing]))
    wrong: dict[str, None] = {}
    for node in nodes:
        count, by = pool.get(node, (0, None))
        if count is not None and count < wanted:
            what = f"{by.origin} leaves it {count}" if by else "no file gives it any"
            if by is not None and by.node is None:
                what += f" ({by.count} in all, spread over {len(everywhere)} nodes)"
            wrong[f"node {node}: {wanted} pages of {size_kb} kB are to be reserved, {what}"] = None
    if wrong:
        return AfterBoot(False, True, (*wrong, *other, *_told(idle)))
    sources = tuple(dict.fromkeys(one for _, one in pool.values()))
    return AfterBoot(True, True, tuple(f"reserved by {one.origin}" for one in sources), sources)


def module(boot: Boot, name: str, parameters: Mapping[str, str] | None = None) -> AfterBoot:
    """Whether the module is loaded when a boot is over, with these parameters."""
    if name in boot.built_in:
        return AfterBoot(True, False, (f"{name} is part of the kernel",))
    by: Loaded | None = None
    notes: list[str] = []
    for one in boot.effects:
        if isinstance(one, Loaded) and one.module == name:
            by = by or one  # what is loaded already stays as it is
        elif isinstance(one, Unloaded) and one.module == name and by is not None:
            notes.append(f"{one.origin} removes {name}, which {by.origin} had loaded")
            by = None
    idle = _idle_about(boot, lambda a: isinstance(a, Loaded) and a.module == name)
    rules = [
        f"{origin} keeps {name} from being loaded"
        for group in (boot.rules.blacklist, boot.rules.install, boot.rules.forbidden)
        if (origin := group.get(name)) is not None
    ]
    if by is None:
        named = bool(notes or rules) or _meant(idle)
        nothing = (
            f"no file loads {name}: write `insmod` with its path into rc.local, in front of any "
            "`exit`, or its name into a file of /etc/modules-load.d"
        )
        return AfterBoot(False, named, tuple([*notes, *_told(idle)] or [*rules] or [nothing]))
    for key, value in (parameters or {}).items():
        given = [o.partition("=")[2] for o in by.parameters if o.partition("=")[0] == key]
        if given[-1:] != [value]:
            return AfterBoot(False, True, (_wrong_parameter(boot, by, key, value, given),))
    return AfterBoot(True, True, (f"loaded by {by.origin}",), (by,))


def _wrong_parameter(boot: Boot, by: Loaded, key: str, value: str, given: list[str]) -> str:
    what = f"with {key}={given[-1]}" if given else f"without {key}={value}"
    lines = [
        str(origin)
        for origin, options in boot.rules.options.get(by.module, ())
        if any(one.partition("=")[0] == key for one in options)
    ]
    where = f" ({', '.join(lines)})" if lines and by.by != "insmod" else ""
    hint = f"{by.origin} loads {by.module} {what}{where}"
    if lines and by.by == "insmod":
        hint += f": insmod does not read {', '.join(lines)}"
    return f"{hint}; write `{key}={value}` behind it"


def open_files(boot: Boot, wanted: int) -> AfterBoot:
    """Whether dpvs has its limit of open files after a boot.

    Where a boot starts dpvs: the limit that it is started with. Where it does not, any of what can
    give it to who starts dpvs by hand: rc.local as the deployment guide has it, a unit of dpvs,
    systemd's default, a login of root.
    """
    starts = [one for one in boot.effects if isinstance(one, Started)]
    wrong = [*_idle_about(boot, lambda about: isinstance(about, OpenFiles)), *boot.login.idle]
    idle = _told(sorted(wrong, key=lambda one: one.why == COMMENT))
    if starts:
        low = [
            f"{one.origin} starts dpvs with {one.soft}; write LimitNOFILE={wanted} into its "
            f"[Service], or `ulimit -n {wanted}` in front of it"
            for one in starts
            if one.soft is not None and one.soft < wanted
        ]
        good = tuple(f"dpvs is started by {one.origin}" for one in starts)
        return AfterBoot(not low, True, (*low, *idle) if low else good)
    last: dict[str, OpenFiles] = {}
    overridden: list[str] = []
    for effect, group in zip(boot.effects, boot.groups, strict=True):
        if isinstance(effect, OpenFiles):
            before = last.get(group)
            if before and (before.soft or wanted) >= wanted > (effect.soft or wanted):
                overridden.append(f"{before.origin} is overridden by {effect.origin}")
            last[group] = effect
    numbers = [(one.soft, one.origin) for one in last.values()]
    numbers += [(boot.manager[0], boot.manager[1])] if boot.manager[1] else []
    numbers += [(boot.login.soft, boot.login.origin)] if boot.login.origin else []
    numbers += [
        (int(given[0].split(":")[0]), given[1])
        for unit in boot.units.values()
        if "dpvs" in unit.name and not unit.masked
        and (given := unit.last("Service", "LimitNOFILE")) and given[0].split(":")[0].isdigit()
    ]  # fmt: skip
    for number, origin in numbers:
        if number is None or number >= wanted:
            return AfterBoot(True, True, (f"set by {origin}",))
    low = [f"{origin} sets {number}, and {wanted} is to be set" for number, origin in numbers]
    found = (*overridden, *idle, *low)
    nothing = f"no file sets it: write `ulimit -n {wanted}` into rc.local, in front of any `exit`"
    return AfterBoot(False, bool(found), found or (nothing,))


def started_in_order(boot: Boot, needs: Mapping[str, AfterBoot]) -> AfterBoot:
    """Where a boot starts dpvs: whether it does so once, and after all that dpvs needs.

    needs: whether a boot provides each, by what it is called.
    """
    starts = [(number, one) for number, one in enumerate(boot.effects) if isinstance(one, Started)]
    if not starts:
        # A unit that nothing enables is for who starts dpvs by hand.
        meant = [
            str(one)
            for one in _idle_about(boot, lambda about: isinstance(about, Started))
            if one.why != COMMENT and "systemctl enable" not in one.instead
        ]
        return AfterBoot(not meant, bool(meant), tuple(meant))
    wrong: list[str] = []
    number, start = starts[0]
    if len(starts) > 1:
        wrong.append(f"{start.origin} and {starts[1][1].origin} both start dpvs")
    if start.user not in ("root", "0"):
        wrong.append(f"{start.origin} starts dpvs as {start.user}, and DPDK needs root")
    for what, answer in needs.items():
        if not answer.holds:
            wrong.append(f"{start.origin} starts dpvs without {what}: {answer.lines[0]}")
            continue
        for one in answer.by:
            if not boot.surely_before(boot.effects.index(one), number):
                wrong.append(
                    f"{start.origin} starts dpvs before {one.origin} has done its work; "
                    "put it behind that, or order its unit After= it"
                )
                break
    return AfterBoot(not wrong, True, tuple(wrong) or (f"dpvs is started by {start.origin}",))


def _idle_about(boot: Boot, about: Callable[[Effect], bool]) -> list[Idle]:
    """Lines without effect; comments come last, of which the distribution's files are full."""
    found = [one for one in boot.idle if about(one.about)]
    return sorted(found, key=lambda one: one.why == COMMENT)


def _told(idle: Sequence[Idle]) -> list[str]:
    return [str(one) for one in idle[:6]]


def _meant(idle: Sequence[Idle]) -> bool:
    """Whether any of these is more than a comment."""
    return any(one.why != COMMENT for one in idle)
