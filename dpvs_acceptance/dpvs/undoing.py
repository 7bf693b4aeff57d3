"""The inverse of commands of DPVS's tools."""

from __future__ import annotations

from collections.abc import Sequence

_SERVICES = ("-t", "-u", "-q", "-1", "-f", "-H", "--sctp-service")
_REVERSED = {"-P": "-Q", "--add-laddr": "--del-laddr", "-U": "-V", "-O": "-Y"}


def inverse(words: Sequence[str]) -> tuple[str, ...] | None:
    """The command that undoes `words`, a command that adds something; None if there is none.

    It removes the named object even if that existed before: check the state first.
    """
    at = next((i for i, word in enumerate(words) if not word.startswith("-") and i), len(words))
    options, rest = words[1:at], words[at:]
    if not words or words[0] == "ipvsadm":
        return _of_ipvsadm(words[1:])
    match list(rest):
        case [("addr" | "route" | "neigh") as kind, "add", *named]:
            return (words[0], *options, kind, "del", *_without_lifetime(named))
        case [("vlan" | "tunnel") as kind, "add", name, *_]:
            return (words[0], *options, kind, "del", name)
    return None


def deletes_a_device(words: Sequence[str]) -> bool:
    """Whether the command, of dpip, takes a device away.

    DPVS tells its workers of a deleted route and does not wait for them (src/route.c); one that
    comes to it when the device is gone reads through a null pointer. `BARRIER` waits for them.
    """
    return any(kind in words and "del" in words for kind in ("vlan", "tunnel"))


BARRIER = ("dpip", "neigh", "show")
"""Every worker answers it (src/neigh.c), and each handles its earlier messages first, in order."""


def _of_ipvsadm(words: Sequence[str]) -> tuple[str, ...] | None:
    match list(words):
        case ["-A", *rest]:
            return ("ipvsadm", "-D", *_pair(rest, _SERVICES))
        case ["-a", *rest]:
            return ("ipvsadm", "-d", *_pair(rest, _SERVICES), *_pair(rest, ("-r",)))
        case [verb, *rest] if verb in _REVERSED:
            return ("ipvsadm", _REVERSED[verb], *rest)
    return None


def _pair(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """The first of `options` among `words`, with its argument."""
    at = next((i for i, word in enumerate(words) if word in options), len(words))
    return list(words[at : at + 2])


def _without_lifetime(words: Sequence[str]) -> list[str]:
    """Without valid_lft, which a deletion does not need."""
    at = next((i for i, word in enumerate(words) if word == "valid_lft"), len(words))
    return [*words[:at], *words[at + 2 :]]
