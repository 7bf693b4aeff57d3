"""The limit of open files that PAM gives to a login (limits.conf, limits.d)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.effects import COMMENT, Idle, OpenFiles, Origin

_FOLDER = "/etc/security/limits.d/"
_FILE = "/etc/security/limits.conf"
_UNLIMITED = ("unlimited", "infinity", "-1")


@dataclass(frozen=True, slots=True)
class Login:
    """root's soft limit after a login, with the line that sets it; and lines without effect."""

    soft: int | None
    origin: Origin | None
    idle: tuple[Idle, ...]


def login(files: BootFiles, hard: int, nr_open: int, wildcard: bool) -> Login:
    """What a login of root gets. `hard`: the hard limit before. `wildcard`: whether `*` and groups
    are for root too, as on RHEL (on Debian root has to be named)."""
    values: dict[str, tuple[int, int, Origin]] = {}  # soft, hard: rank, number, line
    idle: list[Idle] = []
    for origin, words in _lines(files):
        domain, kind, value = words[0], words[1], words[3]
        number = nr_open if value in _UNLIMITED else int(value) if value.isdigit() else -1
        effect = OpenFiles(origin, number)
        rank = _rank(domain, wildcard)
        if origin.text.lstrip().startswith("#"):
            idle.append(Idle(origin, effect, COMMENT, "take the `#` away"))
        elif rank is None:
            who = f"it is for {domain}, and root starts dpvs"
            who += " (on Debian `*` leaves root out)" if domain == "*" else ""
            idle.append(Idle(origin, effect, who, f"write `root {kind} nofile {value}`"))
        elif kind not in ("-", "soft", "hard") or number < 0:
            bad = f"`{kind} nofile {value}` is no limit"
            idle.append(Idle(origin, effect, bad, "write `root - nofile NUMBER`"))
        elif number > nr_open:
            why = f"the kernel refuses more than fs.nr_open, {nr_open}"
            idle.append(Idle(origin, effect, why, "raise fs.nr_open in /etc/sysctl.d first"))
        else:
            for part in ("soft", "hard") if kind == "-" else (kind,):
                before = values.get(part)
                if before is None or before[0] >= rank:
                    if before is not None and part == "soft" and before[1] != number:
                        idle.append(_overridden(before, origin))
                    values[part] = rank, number, origin
    if not _applied(files):
        idle += [
            Idle(line, OpenFiles(line, n), "no file of /etc/pam.d names pam_limits.so",
                 "write `session required pam_limits.so` into /etc/pam.d/sshd and login")
            for _, n, line in values.values()
        ]  # fmt: skip
        return Login(None, None, tuple(idle))
    most = values["hard"][1] if "hard" in values else hard
    if "soft" not in values:
        if "hard" in values:
            _, number, line = values["hard"]
            why = "it sets the hard limit alone, and dpvs has the soft one"
            idle.append(Idle(line, OpenFiles(line, number), why, "write `-` for both"))
        return Login(None, None, tuple(idle))
    _, number, line = values["soft"]
    if number > most:
        where = f" ({values['hard'][2]})" if "hard" in values else ""
        why = f"the soft limit is cut down to the hard one, {most}{where}"
        idle.append(Idle(line, OpenFiles(line, number), why, "write `-` for both"))
    return Login(min(number, most), line, tuple(idle))


def _overridden(before: tuple[int, int, Origin], by: Origin) -> Idle:
    _, number, origin = before
    return Idle(
        origin,
        OpenFiles(origin, number),
        f"{by} comes later",
        "keep one line, or name a later file",
    )


def _lines(files: BootFiles) -> Iterator[tuple[Origin, list[str]]]:
    folder = sorted(p for p in files.lines if p.startswith(_FOLDER) and p.endswith(".conf"))
    for path in (_FILE, *folder):
        for number, text in files.lines.get(path, ()):
            plain = text.lstrip()
            words = plain.lstrip("#").strip().split("#")[0].split()
            if len(words) == 4 and words[2] == "nofile":
                yield Origin(path, number, text), words


def _rank(domain: str, wildcard: bool) -> int | None:
    """How much a line counts for root: less is more. None: not at all."""
    if domain == "root" or re.fullmatch(r"(0?):(0?)|0", domain):
        return 0
    if domain in ("@root", "@0", "@:0"):
        return 1 if wildcard else None
    return 2 if domain == "*" and wildcard else None


def _applied(files: BootFiles) -> bool:
    """Whether a login goes by pam_limits; so it is where nothing can be read of PAM."""
    stacks = [path for path in files.lines if path.startswith("/etc/pam.d/")]
    return not stacks or any(
        re.match(r"\s*-?session\b.*\bpam_limits\.so", text)
        for path in stacks
        for _, text in files.lines[path]
    )
