"""Kernel parameters (sysctl.d) and values written at boot (tmpfiles.d), in the order of a boot."""

from __future__ import annotations

from collections.abc import Iterator

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.effects import COMMENT, Effect, Idle, Origin
from dpvs_acceptance.observed.boot.meaning import kernel_parameter, write

_OLD = "/etc/sysctl.conf"


def parameters(files: BootFiles) -> Iterator[Effect]:
    """What systemd-sysctl sets; /etc/sysctl.conf counts where a link of sysctl.d leads to it."""
    paths = list(files.merged("sysctl.d"))
    for path in paths:
        for one, _ in _lines(files, path):
            yield one
    if all(files.real(path) != _OLD for path in paths):
        for one, commented in _lines(files, _OLD):
            if files.systemd and not commented:
                why = "this boot does not read /etc/sysctl.conf"
                yield Idle(one.origin, one, why, "write a file of /etc/sysctl.d")
            else:
                yield one


def _lines(files: BootFiles, path: str) -> Iterator[tuple[Effect, bool]]:
    for number, text in files.lines.get(path, ()):
        plain = text.strip()
        commented = plain.startswith(("#", ";"))
        key, equals, value = plain.lstrip("#;- \t").partition("=")
        if not equals or len(key.split()) != 1:
            continue
        for one in kernel_parameter(key, value, Origin(path, number, text)):
            if commented:
                yield Idle(one.origin, one, COMMENT, "take the `#` away"), True
            else:
                yield one, False


def written(files: BootFiles) -> Iterator[Effect]:
    """Lines `w` of tmpfiles.d: a value into a file of sysfs."""
    for path in files.merged("tmpfiles.d"):
        for number, text in files.lines.get(path, ()):
            words = text.split()
            if len(words) >= 7 and words[0].rstrip("!+-=") == "w":
                yield from write(words[1], " ".join(words[6:]), Origin(path, number, text))
