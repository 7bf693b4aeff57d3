"""The kernel's command line at the next boot, and what it says of hugepages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.effects import COMMENT, Effect, Idle, Origin, Pages
from dpvs_acceptance.observed.boot.fstab import octets

GRUB = "/etc/default/grub"
_GENERATED = ("/boot/grub2/grub.cfg", "/boot/grub/grub.cfg")
Word = tuple[Origin, str]


def command_line(files: BootFiles) -> list[Word]:
    """The words that the next boot's kernel is given, each with its line.

    From GRUB's generated configuration; where none can be read, what this boot was given.
    """
    for path in (*_GENERATED, *sorted(p for p in files.lines if p.endswith("/grub.cfg"))):
        if found := _entry(files, path):
            origin, text = found
            return [(replace(origin, text=word), word) for word in text.split()]
    lines = files.lines.get("/proc/cmdline", ())
    words = [word for _, text in lines for word in text.split()]
    return [(Origin("/proc/cmdline", 1, word), word) for word in words]


def _entry(files: BootFiles, path: str) -> tuple[Origin, str] | None:
    """The default entry of a grub.cfg: where its kernel line stands, and its arguments."""
    lines = files.lines.get(path, ())
    saved = _environment(files).get("saved_entry", "")
    if any("blscfg" in text for _, text in lines) and (found := _loader_entry(files, saved)):
        return found
    default, kernels, top = "0", [], -1
    title = ""
    for number, text in lines:
        words = text.split()
        if match := re.match(r'\s*set default="?([^"]*)"?', text):
            default = default if "$" in match[1] or "next_entry" in match[1] else match[1]
            default = saved or default if "saved_entry" in match[1] else default
        elif words[:1] and words[0] in ("menuentry", "submenu"):
            top += not text[:1].isspace()
            quoted = re.search(r"""['"]([^'"]*)['"]""", text)
            title = quoted[1] if quoted else ""
        elif words[:1] and words[0].startswith("linux") and len(words) > 1:
            kernels.append((top, title, Origin(path, number, text), " ".join(words[2:])))
    for position, name, origin, text in kernels:
        if default in (str(position), name):
            return origin, text
    return (kernels[0][2], kernels[0][3]) if kernels else None


def _environment(files: BootFiles) -> dict[str, str]:
    found = {}
    for path in ("/boot/grub2/grubenv", "/boot/grub/grubenv"):
        for _, text in files.lines.get(path, ()):
            key, equals, value = text.partition("=")
            if equals and not text.startswith("#"):
                found[key] = value
    return found


def _loader_entry(files: BootFiles, saved: str) -> tuple[Origin, str] | None:
    paths = [p for p in files.lines if p.startswith("/boot/loader/entries/") and "rescue" not in p]
    chosen = [p for p in paths if saved and p.endswith(f"/{saved}.conf")] or sorted(paths)[-1:]
    for number, text in files.lines.get(chosen[0], ()) if chosen else ():
        if text.startswith("options"):
            given = _environment(files).get("kernelopts", "")
            words = text.removeprefix("options").replace("$kernelopts", given)
            return Origin(chosen[0], number, text), words
    return None


def pages(words: list[Word], default_kb: int) -> Iterator[Effect]:
    """Hugepages of the command line: `hugepagesz=1G hugepages=16`, `hugepages=0:512,1:512`."""
    size = _default(words, default_kb)
    for origin, word in words:
        key, _, value = word.partition("=")
        if key == "hugepagesz" and (found := octets(value)):
            size = found // 1024
        elif key == "hugepages":
            for part in value.split(","):
                node, colon, count = part.rpartition(":")
                if count.isdigit() and (not colon or node.isdigit()):
                    yield Pages(origin, int(count), int(node) if colon else None, size)


def default_size(words: list[Word], default_kb: int) -> int:
    """The size of a hugepage, in kB, where nothing names one."""
    return _default(words, default_kb)


def _default(words: list[Word], default_kb: int) -> int:
    for _, word in words:
        key, _, value = word.partition("=")
        if key == "default_hugepagesz" and (found := octets(value)):
            return found // 1024
    return default_kb


def not_generated(files: BootFiles, words: list[Word], default_kb: int) -> Iterator[Effect]:
    """Hugepages that /etc/default/grub has and the generated configuration has not."""
    given = {word for _, word in words}
    for number, text in files.lines.get(GRUB, ()):
        match = re.match(r"""\s*+(#?)\s*+GRUB_CMDLINE_LINUX(?:_DEFAULT)?=["']?([^"']*)""", text)
        if match is None:
            continue
        missing = [word for word in match[2].split() if word not in given]
        asked = [(Origin(GRUB, number, text), word) for word in missing]
        for one in pages(asked, default_kb):
            where = words[0][0].path if words else "what GRUB boots from"
            yield Idle(
                one.origin, one,
                COMMENT if match[1] else f"{where} was generated without it",
                "run grub2-mkconfig -o /boot/grub2/grub.cfg (Debian: update-grub)",
            )  # fmt: skip
