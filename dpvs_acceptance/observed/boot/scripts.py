"""The scripts that a boot runs: rc.local, the commands of units, cron's @reboot."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.command import Command, Lookup
from dpvs_acceptance.observed.boot.effects import COMMENT, Effect, Idle, OpenFiles, Origin
from dpvs_acceptance.observed.boot.meaning import Place, effects
from dpvs_acceptance.observed.boot.script import commands
from dpvs_acceptance.observed.boot.units import RC_LOCAL, Unit

_SHELL = re.compile(r"#!\s*(?:/usr/bin/env\s+)?(?:/\S*/)?(?:ba|da|k|z)?sh\b")
_PLACES = ("/etc/rc.d/rc.local", "/etc/rc.local")
_EXECS = ("ExecStartPre", "ExecStart", "ExecStartPost")


def lookup(files: BootFiles) -> Lookup:
    """Texts of scripts that can be run; behind a NUL, of those that a shell reads."""

    def text_of(path: str) -> str | None:
        plain = path.removeprefix("\0")
        real = plain if plain in files.lines else files.real(plain)
        if real not in files.lines:
            return None
        text = files.text(real)
        runs = path != plain or (files.executable(real) and _SHELL.match(text))
        return text if runs else None

    return text_of


def foreground(words: tuple[str, ...]) -> bool:
    """Whether a command does not end by itself."""
    name = PurePosixPath(words[0]).name
    if name == "dpvs":
        return not {"-v", "-h", "--version", "--help"} & set(words[1:])
    return words[:2] in (("sleep", "infinity"), ("sleep", "inf"), ("tail", "-f"), ("tail", "-F"))


def rc_local(
    files: BootFiles, unit: Unit | None, why: tuple[str, str], place: Place
) -> tuple[tuple[Effect, ...], tuple[Command, ...]]:
    """What rc.local does, and its commands. `unit`: rc-local.service; `why`: why it is not started.

    systemd starts that service where the script is executable. Of /etc/rc.local and
    /etc/rc.d/rc.local the one counts that the service names.
    """
    there = [path for path in _PLACES if path in files.lines]
    started = files.real(_started(unit) or (there[0] if there else _PLACES[0]))
    found: list[Effect] = []
    reached: tuple[Command, ...] = ()
    for path in dict.fromkeys(files.real(one) for one in there):
        text = files.text(path)
        problem = _not_run(files, path, started, unit, why)
        read = commands(
            text,
            path,
            lookup(files),
            files.exists,
            foreground,
            ("start",) if files.systemd else (),
            files.valid.__contains__,
        )
        for one in effects(read, place):
            if problem and not isinstance(one, Idle):
                found.append(Idle(one.origin, one, *problem))
            else:
                found.append(one)
        if not problem:
            reached = read
    return tuple(found), reached


def _started(unit: Unit | None) -> str:
    found = unit.last("Service", "ExecStart") if unit is not None else None
    return found[0].split()[0].lstrip("-@:+!") if found and found[0].split() else ""


def _not_run(
    files: BootFiles, path: str, started: str, unit: Unit | None, why: tuple[str, str]
) -> tuple[str, str] | None:
    """Why a boot does not run this rc.local, and what to do."""
    if path != started:
        return f"the boot runs {started}, and {path} is another file", (
            f"write it into {started}, or run `ln -sf {started} {path}`"
        )
    if files.systemd and unit is None:
        return f"there is no {RC_LOCAL}, which would run {path}", (
            "write a unit in place of it, and run `systemctl enable` on that"
        )
    first = files.text(path).split("\n", 1)[0]
    if not files.executable(path):
        return f"{path} is not executable", f"run `chmod +x {path}`"
    if not first.startswith("#!"):
        return f"{path} has no `#!/bin/sh` in its first line, and is not executed without", (
            "put `#!/bin/sh` into the first line"
        )
    if first.endswith("\r"):
        return f"the first line of {path} ends with a carriage return", "run dos2unix on it"
    if not _SHELL.match(first):
        return f"{path} is run by {first.removeprefix('#!').strip()}, which is no shell", (
            "put `#!/bin/sh` into the first line"
        )
    return why if why[0] else None


def unit_effects(files: BootFiles, unit: Unit, place: Place) -> Iterator[Effect]:
    """What the commands of a service do, in their order."""
    for key in _EXECS:
        for value, origin in unit.all("Service", key):
            words = _words(value)
            if not words:
                continue
            text = " ".join(shlex.quote(one) for one in words)
            read = _at(
                commands(
                    text, unit.path, lookup(files), files.exists, valid=files.valid.__contains__
                ),
                unit.path,
                origin,
            )
            if words[0].rsplit("/", 1)[-1] == "ulimit":
                number = next((int(one) for one in words if one.isdigit()), None)
                yield Idle(
                    origin, OpenFiles(origin, number), "ulimit is a command of the shell alone",
                    "write LimitNOFILE= into [Service]",
                )  # fmt: skip
                continue
            shell = ">" in words
            for one in effects(_redirected(read, words) if shell else read, place):
                if shell and not isinstance(one, Idle):
                    why = "systemd gives `>` to the program as a word"
                    yield Idle(origin, one, why, "write ExecStart=/bin/sh -c '…'")
                else:
                    yield one


def _redirected(read: tuple[Command, ...], words: list[str]) -> tuple[Command, ...]:
    """The commands as they were meant."""
    at = words.index(">")
    kept = tuple(words[:at])
    return tuple(replace(one, words=kept, writes=tuple(words[at + 1 : at + 2])) for one in read)


def _words(value: str) -> list[str]:
    plain = value.lstrip("-@:+!").replace("%%", "%").replace("$$", "$")
    try:
        return shlex.split(plain)
    except ValueError:
        return plain.split()


def _at(read: tuple[Command, ...], path: str, origin: Origin) -> tuple[Command, ...]:
    return tuple(replace(o, origin=origin) if o.origin.path == path else o for o in read)


def cron(files: BootFiles, problem: tuple[str, str] | None, place: Place) -> Iterator[Effect]:
    """What the lines `@reboot` do. `problem`: why no cron runs."""
    for path, with_user in _tables(files):
        variables: dict[str, str] = {}
        for number, text in files.lines[path]:
            plain = text.strip()
            if match := re.fullmatch(r"(\w+)\s*=\s*[\"']?(.*?)[\"']?", plain):
                variables[match[1]] = match[2]
                continue
            match = re.fullmatch(r"(#\s*)?@reboot\s+(.*)", plain)
            if match is None:
                continue
            user, command = "root", match[2]
            if with_user:
                user, _, command = command.partition(" ")
            origin = Origin(path, number, text)
            here = replace(place, user=user, sbin="sbin" in variables.get("PATH", ""))
            read = commands(command.split("%", 1)[0], path, lookup(files), files.exists, foreground)
            for one in effects(_at(read, path, origin), here):
                why = _not_by_cron(path, match[1], user, problem)
                yield Idle(one.origin, one, *why) if why and not isinstance(one, Idle) else one


def _not_by_cron(
    path: str, comment: str | None, user: str, problem: tuple[str, str] | None
) -> tuple[str, str] | None:
    if comment:
        return COMMENT, "take the `#` away"
    if user != "root":
        return f"it runs as {user}, who may not do that", "write root in place of it"
    if "." in PurePosixPath(path).name and path.startswith("/etc/cron.d/"):
        return "cron passes over files with a dot in their name", "rename the file"
    return problem


def _tables(files: BootFiles) -> Iterator[tuple[str, bool]]:
    for path in sorted(files.lines):
        if path == "/etc/crontab" or path.startswith("/etc/cron.d/"):
            yield path, True
        elif path.startswith("/var/spool/cron/"):
            yield path, False
