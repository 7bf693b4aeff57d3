"""Kernel modules that a boot loads (modules-load.d), and the rules of modprobe (modprobe.d)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.effects import COMMENT, Effect, Idle, Loaded, Origin
from dpvs_acceptance.observed.boot.meaning import module

# What insmod does not load by itself.
NEEDS = {"igb_uio": ("uio",), "uio_pci_generic": ("uio",), "vfio_pci": ("vfio",)}
_LOADS_ALL_THE_SAME = re.compile(r"--ignore-install|\binsmod\b|\bmodprobe\s+-i\b")


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by the module's name, each with its line. `forbidden`: by the kernel itself."""

    options: dict[str, list[tuple[Origin, tuple[str, ...]]]] = field(default_factory=dict)
    blacklist: dict[str, Origin] = field(default_factory=dict)
    install: dict[str, Origin] = field(default_factory=dict)
    forbidden: dict[str, Origin] = field(default_factory=dict)


def listed(files: BootFiles, words: Collection[tuple[Origin, str]]) -> Iterator[Effect]:
    """What the kernel's command line (`words`) and modules-load.d name, as systemd reads it."""
    for origin, word in words:
        key, _, value = word.partition("=")
        if key == "modules_load":
            yield from (Loaded(origin, module(one), "modprobe -b") for one in value.split(","))
    for path in files.merged("modules-load.d"):
        for number, text in files.lines.get(path, ()):
            plain = text.strip()
            name = plain.lstrip("#; \t")
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                if parts := name.split():
                    first = Loaded(Origin(path, number, text), module(parts[0]), "modprobe -b")
                    if plain.startswith(("#", ";")):
                        continue
                    why = "a line is one name, and options are not taken here"
                    yield Idle(first.origin, first, why, "put options into /etc/modprobe.d")
                continue
            one = Loaded(Origin(path, number, text), module(name), "modprobe -b")
            if plain.startswith(("#", ";")):
                yield Idle(one.origin, one, COMMENT, "take the `#` away")
            else:
                yield one
    # Of Debian; elsewhere nothing reads it, unless a link of modules-load.d leads to it.
    old = "/etc/modules"
    if files.systemd and not any(files.real(p) == old for p in files.merged("modules-load.d")):
        for number, text in files.lines.get(old, ()):
            parts = text.split()
            if parts and not text.lstrip().startswith("#"):
                one = Loaded(Origin(old, number, text), module(parts[0]), "modprobe -b")
                why = "this boot does not read /etc/modules"
                yield Idle(one.origin, one, why, "write a file of /etc/modules-load.d")


def rules(files: BootFiles, words: Collection[tuple[Origin, str]]) -> Rules:
    """modprobe.d, and what the kernel's command line (`words`) says of modules."""
    found = Rules()
    for path in files.merged("modprobe.d"):
        for number, text in _joined(files.lines.get(path, ())):
            parts = text.split()
            if len(parts) < 2 or parts[0].startswith("#"):
                continue
            origin, name = Origin(path, number, text), module(parts[1])
            match parts[0]:
                case "options":
                    found.options.setdefault(name, []).append((origin, tuple(parts[2:])))
                case "blacklist":
                    found.blacklist.setdefault(name, origin)
                case "install" if not _LOADS_ALL_THE_SAME.search(text):
                    found.install.setdefault(name, origin)
    for origin, word in words:
        key, _, value = word.partition("=")
        if key == "module_blacklist":
            found.forbidden.update((module(one), origin) for one in value.split(","))
        elif key in ("modprobe.blacklist", "rd.driver.blacklist"):
            found.blacklist.update((module(one), origin) for one in value.split(","))
        elif match := re.fullmatch(r"(\w[\w-]*)\.(\w+)", key):
            option = f"{match[2]}={value}"
            found.options.setdefault(module(match[1]), []).append((origin, (option,)))
    return found


def loading(one: Loaded, known: Rules, files: BootFiles, loaded: Collection[str]) -> Loaded | Idle:
    """The module as it is then loaded, with all its parameters; or why it is not."""
    name = one.module
    if name in known.forbidden:
        where = known.forbidden[name]
        return Idle(one.origin, one, f"the kernel refuses {name} ({where})", "take that away")
    if one.by == "insmod":
        return _inserted(one, files, loaded)
    if one.by == "modprobe -b" and name in known.blacklist:
        where = known.blacklist[name]
        return Idle(one.origin, one, f"{name} is blacklisted ({where})", "take that line away")
    if name in known.install:
        where = known.install[name]
        return Idle(
            one.origin, one, f"another command runs in place of loading {name} ({where})",
            "take that line away",
        )  # fmt: skip
    if files.modules is not None and name not in files.modules:
        return Idle(
            one.origin, one, f"modprobe finds no module {name} for this kernel",
            "copy it below /lib/modules/$(uname -r)/extra and run depmod, or insmod it by its path",
        )  # fmt: skip
    options = [option for _, some in known.options.get(name, ()) for option in some]
    return replace(one, parameters=(*options, *one.parameters))


def _inserted(one: Loaded, files: BootFiles, loaded: Collection[str]) -> Loaded | Idle:
    for needed in NEEDS.get(one.module, ()):
        if needed not in loaded and needed not in files.built_in:
            why = f"{one.module} needs {needed}, which is not loaded yet"
            return Idle(one.origin, one, why, f"put `modprobe {needed}` in front of it")
    if one.path.startswith("/") and files.exists(one.path) is False:
        return Idle(one.origin, one, f"there is no file {one.path}", "write the module's path")
    return one


def _joined(lines: tuple[tuple[int, str], ...]) -> Iterator[tuple[int, str]]:
    """Lines that end with a backslash go on in the next."""
    begun: tuple[int, str] | None = None
    for number, text in lines:
        first, before = begun if begun is not None else (number, "")
        if text.endswith("\\"):
            begun = first, f"{before}{text[:-1]} "
            continue
        begun = None
        yield first, before + text
    if begun is not None:
        yield begun
