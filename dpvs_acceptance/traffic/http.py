"""HTTP requests by curl on the client host, many in one round trip."""

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
    """The part of a host's interface that this module needs."""

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
MAX_FAILURES = 3  # failures in a row after which curl_many gives up


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One request. status 0: no response. local: the client's address and port (None without a
    connection). exit and error: of curl, 0 and "" on success; exit UNKNOWN: failed, but this curl
    is too old to report how; NOT_TRIED: not attempted."""

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
# For a curl before 7.36 (CentOS 7 has 7.29): one section for all, ports chosen by the kernel.
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
    """``count`` GETs one after another, each by its own curl and on its own connection.

    source_ports: candidate source ports of each request (default: the kernel's choice). One round
    trip, about 10 ms per request plus the response time. After MAX_FAILURES failures in a row the
    rest is NOT_TRIED. Raises TrafficError if the host has no curl or its output cannot be parsed.
    """
    mark = secrets.token_hex(8)
    max_time, tries = timeouts.seconds(MAX_TIME, max_time), timeouts.tries(MAX_FAILURES)
    options = " ".join(f"--{key} {shlex.quote(text)}" for key, text in _options(mark, max_time))
    script = "\n".join(
        (
            "exec 3>&1; f=0",  # curl's output goes to 3, its error messages to $e
            f"while read -r ports; do [ $f -lt {tries} ] || break",
            f"e=$(curl -q -sS -g {options} $ports {shlex.quote(url)} 2>&1 >&3); x=$?",
            "if [ $x = 0 ]; then f=0; else f=$((f + 1)); fi",
            "[ -z \"$e\" ] || e=$(printf %s \"$e\" | tr '\\n' ' ')",
            f'printf \'@{mark} %s|%s\\n\' "$x" "$e"; done',
        )
    )
    # The ports are not part of the command, because a replay searches for the command.
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
    """``count`` GETs one after another by one curl, each on a new connection, which is faster.

    For statistics over many flows (about 1 ms per request). Requests not finished after ``seconds``
    in total are NOT_TRIED. With source_ports every connection is new, and the client closes it.
    Without them, or with a curl older than 7.36, the server is asked to close ("Connection: close")
    and keeps each in TIME_WAIT for a minute; the kernel may reuse a port within seconds.
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
    """As curl_burst: one GET for each of these URLs, in order."""
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
    # Line buffered, otherwise a timeout would lose the output in curl's buffer.
    lines = "$(command -v stdbuf >/dev/null && echo stdbuf -oL)"
    # The mark is part of the command, the ports are not: a replay searches for the command.
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
    late = f"given up after {seconds:g} s in total"
    answers += [HttpAnswer(0, "", None, 0.0, NOT_TRIED, late)] * (count - len(answers))
    return _all(host, urls[0] if urls else "", answers, count, late)


def _ports(chosen: Sequence[range] | None, count: int) -> list[str]:
    """The argument of curl's --local-port for each request; "" if the kernel chooses."""
    if chosen is None:
        return [""] * count
    if len(chosen) != count:
        raise ValueError(f"{count} requests, but source ports for {len(chosen)}")
    return [f"{ports[0]}-{ports[-1]}" for ports in chosen]


def _options(mark: str, max_time: float, more: str = "") -> list[tuple[str, str]]:
    figures = f"\\n@{mark} {_FIGURES}{more}\\n"
    return [("noproxy", "*"), ("max-time", f"{max_time:g}"), ("write-out", figures)]


def _quoted(text: str) -> str:
    """Quoted for a config file of curl."""
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _run(
    host: Runner, script: str, stdin: bytes, mark: str, count: int, max_time: float
) -> list[tuple[str, str]]:
    """(text before the line, rest of the line) for every marked line."""
    there = "command -v curl >/dev/null || { echo 'no curl in PATH' >&2; exit 127; }\n"
    result = host.run(there + script, timeout=10.0 + count * (max_time + 0.1), stdin=stdin)
    if result.exit_status:
        raise TrafficError(
            f"{host.name}: HTTP requests could not be sent: exit {result.exit_status}, "
            f"{result.stderr.strip() or 'no message'}"
        )
    parts = re.split(rf"\n?@{mark} ([^\n]*)\n", result.stdout)
    return list(zip(parts[:-1:2], parts[1::2], strict=True))


def _all(
    host: Runner, url: str, answers: list[HttpAnswer], count: int, given_up: str
) -> list[HttpAnswer]:
    if len(answers) > count or (len(answers) < count and not any(a.exit for a in answers)):
        raise TrafficError(f"{host.name}: {count} requests to {url}, but {len(answers)} results")
    return answers + [HttpAnswer(0, "", None, 0.0, NOT_TRIED, given_up)] * (count - len(answers))


def _answer(body: str, figures: Sequence[str], code: int, words: str) -> HttpAnswer:
    status, address, port, seconds = figures
    local = SocketAddress(address, int(port)) if address and port.isdigit() and int(port) else None
    # Some locales print a decimal comma.
    return HttpAnswer(int(status), body, local, float(seconds.replace(",", ".")), code, words)


_SAYS = re.compile(r"^Your IP and port is (\S+):(\d{1,5})\s*$")


def client_seen(body: str) -> SocketAddress:
    """The client address in an RS's page, ``Your IP and port is A:P`` (deployment guide 3).

    nginx's $remote_addr has no brackets around IPv6. Raises AssertionError on anything else.
    """
    found = _SAYS.match(body)
    try:
        if found:
            return SocketAddress(found[1].strip("[]"), int(found[2]))
    except (OSError, ValueError):
        pass
    raise AssertionError(f"expected 'Your IP and port is ADDRESS:PORT', seen {body[:200]!r}")
