"""Which commands only read: the allow-list of what --attach and --plan may send to a host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .shellwords import Command, commands, functions

Allowed = Callable[[list[str]], bool]


def _any(words: list[str]) -> bool:
    del words
    return True


def _with(pattern: str) -> Allowed:
    """All arguments together are this."""
    return lambda words: re.fullmatch(pattern, " ".join(words[1:])) is not None


def _without(*forbidden: str) -> Allowed:
    return lambda words: not any(word.startswith(forbidden) for word in words[1:])


_ALWAYS = frozenset(
    """
    : [ test echo printf read set shift exit return break continue local true false cd pwd command
    head tail cat grep cut tr ls stat readlink basename dirname sha256sum uname date ps pgrep lsmod
    modinfo wc uniq awk ping id hash wait unset export
    """.split()  # noqa: SIM905 - a list of words
)
READING: dict[str, Allowed] = {
    # sh's own, and what only turns text into text or looks at files.
    **dict.fromkeys(_ALWAYS, _any),
    "sort": _without("-o"),
    "sed": _without("-i", "--in-place"),
    "ulimit": _any,  # of the shell that is about to end
    "dmesg": _without("-c", "-C", "-n", "--clear"),
    "ss": _without("-K", "--kill"),
    "ip": _with(r"((-[a-z46]+|\$f) )*(addr|link|route|neigh|rule)( show( .*)?| get .*)?"),
    "bridge": _with(r"fdb show"),
    "wg": _with(r"show all endpoints"),
    "ovs-vsctl": _with(r"--timeout=3 (list-br|list-ifaces \S+|--if-exists get interface .*)"),
    "ethtool": _with(r"-i \S+"),
    "rpm": _with(r"-q .*"),
    "dpkg-query": _with(r"-W .*"),
    "patch": lambda words: "--dry-run" in words,
    "dpvs": _with(r"-v|--version"),
    "keepalived": _with(r"-v|--version"),
    "dpip": _with(
        r"-V|(-[sv6] )*(link|addr|route|neigh|iptunnel|ipv6|qsch) show( .*)?|(link|ipv6|qsch) help"
    ),
    "ipvsadm": _with(r"--version|-l[nc]+( --stats)?|-G|-ln .*|-lnc --sockpair \S+"),
    "dpdk-devbind.py": _with(r"--status.*"),
    # Asks a server; writes what it gets nowhere but to its output.
    "curl": lambda words: not {"-O", "--remote-name", "-J"} & set(words),
}
# Start another command, which is looked at in its place.
_PREFIXES = {"exec": 1, "timeout": 2, "command": 1, "nice": 1}


def offences(text: str) -> Iterator[str]:
    """What in the sh text `text` is not known to only read."""
    own = functions(text)
    for command in commands(text):
        for target in command.writes:
            if target != "/dev/null":
                yield f"writes to {target}"
        yield from _offence(command, own)


def _inner(text: str) -> Iterator[str]:
    # What comes in as a parameter was looked at where it was given.
    if not re.fullmatch(r"\$[0-9]", text):
        yield from offences(text)


def _offence(command: Command, own: set[str]) -> Iterator[str]:
    words = list(command.words)
    while words and words[0] in _PREFIXES:
        if words[0] == "command" and words[1:2] == ["-v"]:
            return
        if words[0] == "timeout":
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[2 if words[0] == "-k" else 1 :]
            words = words[1:]
        else:
            words = words[1:]
    if not words:
        return
    name = words[0].rpartition("/")[2]
    if words[0] in own or name in own:
        # The library's functions run the text they are given.
        if name in ("frame", "plain", "bounded"):
            yield from _inner(words[-1])
        return
    if name in ("sh", "bash") and words[1:2] == ["-n"]:
        return  # reads a script and runs nothing of it
    if name in ("sh", "eval"):
        yield from _inner(words[-1])
        return
    if re.fullmatch(r"\$\(command -v stdbuf .*\)", words[0]):
        yield from _offence(Command(words[1:]), own)
        return
    allowed = READING.get(name)
    if allowed is None or not allowed(words):
        yield "runs " + " ".join(words)[:200]
