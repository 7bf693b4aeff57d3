"""HTTP by the client host's curl, many requests in one round trip."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from . import timeouts
from .connection import SocketAddress
from .errors import TrafficError


class Runner(Protocol):
    """As much of a host as this module needs."""

    @property
    def name(self) -> str: ...
    def run(self, command: str, *, timeout: float = 10.0, stdin: bytes = b"") -> ShellResult: ...


class ShellResult(Protocol):
    @property
    def exit_status(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


UNKNOWN, NOT_TRIED = -1, -2
MAX_TIME, BURST_TIME = 3.0, 20.0  # seconds, of a request and of a whole burst
PATIENCE = 3  # failures in a row after which curl_many gives up


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One request. status 0: no response. local: the client's own end, as its kernel chose it
    (None where no connection was made). exit and error: curl's, 0 and "" when all went well; exit
    UNKNOWN: failed, and this curl is too old to say how; NOT_TRIED: given up before it was made."""

    status: int
    body: str
    local: SocketAddress | None
    seconds: float
    exit: int
    error: str

    def __str__(self) -> str:
        if self.exit:
            return f"no answer: {self.error or f'curl exit {self.exit}'}"
        return f"{self.status} {self.body.strip()!r} to {self.local} in {self.seconds:.3f} s"


_FIGURES = "%{http_code}|%{local_ip}|%{local_port}|%{time_total}"
# For a curl before 7.36 (CentOS 7 has 7.29): one section for all, ports as its kernel likes.
_CLOSE = 'header = "Connection: close"'
_ONE_SECTION = f"{{ echo {shlex.quote(_CLOSE)};"
_ONE_SECTION += " awk '!/^(next|local-port|header)/ && (/^url/ || !seen[$0]++)'; }"


def curl_many(
    host: Runner,
    url: str,
    count: int,
    *,
    source_ports: Sequence[range] | None = None,
    max_time: float | None = None,
) -> list[HttpAnswer]:
    """``count`` GETs one after another, each by a curl, and so on a connection, of its own.

    source_ports: ports that each may be made from (else the kernel's choice). One round trip,
    about 10 ms a request besides the answers' own time. After PATIENCE failures in a row the rest
    is NOT_TRIED. Raises TrafficError where the host has no curl or its output is not understood.
    """
    mark = secrets.token_hex(8)
    max_time, tries = timeouts.seconds(MAX_TIME, max_time), timeouts.tries(PATIENCE)
    options = " ".join(f"--{key} {shlex.quote(text)}" for key, text in _options(mark, max_time))
    script = "\n".join(
        (
            "exec 3>&1; f=0",  # what curl prints goes to 3; its own words are kept apart in $e
            f"while read -r ports; do [ $f -lt {tries} ] || break",
            f"e=$(curl -q -sS -g {options} $ports {shlex.quote(url)} 2>&1 >&3); x=$?",
            "if [ $x = 0 ]; then f=0; else f=$((f + 1)); fi",
            "[ -z \"$e\" ] || e=$(printf %s \"$e\" | tr '\\n' ' ')",
            f'printf \'@{mark} %s|%s\\n\' "$x" "$e"; done',
        )
    )
    # The ports are no part of the command: a replay looks for the command.
    chosen = [f"--local-port {text}\n" if text else "\n" for text in _ports(source_ports, count)]
    records = _run(host, script, "".join(chosen).encode(), mark, count, max_time)
    answers = []
    for (body, figures), (_, ending) in zip(records[::2], records[1::2], strict=True):
        code, words = ending.split("|", 1)
        answers.append(_answer(body, figures.split("|"), int(code), words.strip()))
    return _all(host, url, answers, count, f"given up after {tries} failures in a row")


def curl_burst(
    host: Runner,
    url: str,
    count: int,
    *,
    source_ports: Sequence[range] | None = None,
    max_time: float | None = None,
    seconds: float | None = None,
) -> list[HttpAnswer]:
    """``count`` GETs one after another by one curl, each on a new connection: the fast way.

    For statistics over many flows (about 1 ms a request). What has not ended after ``seconds`` in
    all is NOT_TRIED. With source_ports no connection can be used again, and the client is the one
    to close it. Without them, and by a curl older than 7.36, the server is asked to close
    ("Connection: close"), and remembers each for a minute (TIME_WAIT); the kernel may choose a
    port that a connection had a few seconds before.
    """
    return curl_each(
        host, [url] * count, source_ports=source_ports, max_time=max_time, seconds=seconds
    )


def curl_each(
    host: Runner,
    urls: Sequence[str],
    *,
    source_ports: Sequence[range] | None = None,
    max_time: float | None = None,
    seconds: float | None = None,
) -> list[HttpAnswer]:
    """As curl_burst: one GET of each of these addresses, in their order."""
    count = len(urls)
    mark = secrets.token_hex(8)
    max_time = timeouts.seconds(MAX_TIME, max_time)
    seconds = timeouts.seconds(BURST_TIME, seconds)
    options = _options("MARK", max_time, "|%{exitcode}")
    same = "silent\nshow-error\ngloboff\n" + "".join(f"{k} = {_quoted(v)}\n" for k, v in options)
    if source_ports is None:
        same += f"{_CLOSE}\n"
    sections = [
        same + f"url = {_quoted(url)}\n" + (f"local-port = {ports}\n" if ports else "")
        for url, ports in zip(urls, _ports(source_ports, count), strict=True)
    ]
    # Line by line, or what curl still had in its buffer would be lost with it.
    lines = "$(command -v stdbuf >/dev/null && echo stdbuf -oL)"
    # The mark is part of the command and the ports are not: a replay looks for the command.
    script = (
        f"sed 's/@MARK /@{mark} /' |"
        f" if curl -q --next --version >/dev/null 2>&1; then cat; else {_ONE_SECTION}; fi |"
        f" timeout {seconds:g} {lines} curl -q -K - || :"
    )
    records = _run(host, script, "next\n".join(sections).encode(), mark, count, max_time)
    answers = []
    for body, line in records:
        *figures, code = line.split("|")
        failed = int(code) if code else (0 if figures[0] not in ("000", "0") else UNKNOWN)
        answers.append(_answer(body, figures, failed, ""))
    late = f"given up after {seconds:g} s in all"
    answers += [HttpAnswer(0, "", None, 0.0, NOT_TRIED, late)] * (count - len(answers))
    return _all(host, urls[0] if urls else "", answers, count, late)


def _ports(chosen: Sequence[range] | None, count: int) -> list[str]:
    """What curl's --local-port wants, for each request; "" where the kernel chooses."""
    if chosen is None:
        return [""] * count
    if len(chosen) != count:
        raise ValueError(f"{count} requests, but source ports for {len(chosen)}")
    return [f"{ports[0]}-{ports[-1]}" for ports in chosen]


def _options(mark: str, max_time: float, more: str = "") -> list[tuple[str, str]]:
    figures = f"\\n@{mark} {_FIGURES}{more}\\n"
    return [("noproxy", "*"), ("max-time", f"{max_time:g}"), ("write-out", figures)]


def _quoted(text: str) -> str:
    """As curl's config files want it."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _run(
    host: Runner, script: str, stdin: bytes, mark: str, count: int, max_time: float
) -> list[tuple[str, str]]:
    """(what came before, the rest of the line) of every marked line."""
    there = "command -v curl >/dev/null || { echo 'no curl in PATH' >&2; exit 127; }\n"
    result = host.run(there + script, timeout=10.0 + count * (max_time + 0.1), stdin=stdin)
    if result.exit_status:
        raise TrafficError(
            f"{host.name}: HTTP requests could not be made: exit {result.exit_status}, "
            f"{result.stderr.strip() or 'no message'}"
        )
    parts = re.split(rf"\n?@{mark} ([^\n]*)\n", result.stdout)
    return list(zip(parts[:-1:2], parts[1::2], strict=True))


def _all(
    host: Runner, url: str, answers: list[HttpAnswer], count: int, given_up: str
) -> list[HttpAnswer]:
    if len(answers) > count or (len(answers) < count and not any(a.exit for a in answers)):
        raise TrafficError(f"{host.name}: {count} requests to {url}, but {len(answers)} outcomes")
    return answers + [HttpAnswer(0, "", None, 0.0, NOT_TRIED, given_up)] * (count - len(answers))


def _answer(body: str, figures: Sequence[str], code: int, words: str) -> HttpAnswer:
    status, address, port, seconds = figures
    local = SocketAddress(address, int(port)) if address and port.isdigit() and int(port) else None
    # A locale may print the seconds with a comma.
    return HttpAnswer(int(status), body, local, float(seconds.replace(",", ".")), code, words)


_SAYS = re.compile(r"^Your IP and port is (\S+):(\d{1,5})\s*$")


def client_seen(body: str) -> SocketAddress:
    """The address and port an RS says it sees: ``Your IP and port is A:P`` (seed, section 3).

    nginx's $remote_addr has no brackets around IPv6. Raises AssertionError on anything else.
    """
    found = _SAYS.match(body)
    try:
        if found:
            return SocketAddress(found[1].strip("[]"), int(found[2]))
    except (OSError, ValueError):
        pass
    raise AssertionError(f"expected 'Your IP and port is ADDRESS:PORT', seen {body[:200]!r}")
