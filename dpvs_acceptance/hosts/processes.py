"""Parsers for the process sections of a snapshot. Pure; strict: no line is skipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .facts import FactError, cpu_list, records


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread and the CPUs it may run on."""

    id: int
    name: str
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class Process:
    """A process with all details.

    started: clock ticks after boot; together with the pid it identifies a process.
    limits: soft and hard limit by name in /proc/PID/limits, None for unlimited.
    """

    pid: int
    ppid: int
    name: str
    exe: str
    arguments: tuple[str, ...]
    started: int
    limits: Mapping[str, tuple[int | None, int | None]]
    status: Mapping[str, str]
    threads: tuple[Thread, ...]

    @property
    def open_files(self) -> int | None:
        """The soft limit of file descriptors (deployment guide 2.1.4); None for unlimited."""
        return self.limits["Max open files"][0]


@dataclass(frozen=True, slots=True)
class Running:
    """A process in a list: pid, parent pid, start time, command line."""

    pid: int
    ppid: int
    started: str
    command: str


def process_details(text: str) -> tuple[Process, ...]:
    """Section `dpvs process`: every process named dpvs."""
    return tuple(
        _process(name, attributes) for name, attributes in records("dpvs process", text, "process")
    )


def process_list(text: str) -> tuple[Running, ...]:
    """Section `processes`: all except kernel threads, by pid."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(
            r"\s*(\d{1,18})\s+(\d{1,18})\s+(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}) (.*)", line
        )
        if match is None:
            raise FactError("processes", line, "`pid ppid started command`")
        if match[1] != "2" and match[2] != "2":
            found.append(Running(int(match[1]), int(match[2]), match[3], match[4].strip()))
    return tuple(found)


def _process(pid: str, attributes: list[tuple[str, str]]) -> Process:
    values = dict(attributes)
    try:
        return Process(
            pid=int(pid),
            ppid=int(values["ppid"]),
            name=values["comm"],
            exe=values["exe"],
            arguments=tuple(value for key, value in attributes if key == "argument"),
            started=int(values["started"]),
            limits=dict(_limit(value) for key, value in attributes if key == "limit"),
            status={
                words[0]: words[1]
                for key, value in attributes
                if key == "status" and len(words := value.split(" ", 1)) == 2
            },
            threads=tuple(_thread(value) for key, value in attributes if key == "thread"),
        )
    except (KeyError, ValueError) as exc:
        if isinstance(exc, FactError):
            raise
        raise FactError("dpvs process", f"process {pid}", f"complete ({exc!r})") from exc


def _limit(line: str) -> tuple[str, tuple[int | None, int | None]]:
    name, _, rest = line.partition("  ")
    values = [None if word == "unlimited" else word for word in rest.split()[:2]]
    numbers = all(word is None or word.isdecimal() for word in values)
    if not name.startswith("Max ") or len(values) != 2 or not numbers:
        raise FactError("dpvs process", line, "a line of /proc/PID/limits")
    soft, hard = (None if word is None else int(word) for word in values)
    return name, (soft, hard)


def _thread(line: str) -> Thread:
    words = line.split(" ", 2)
    if len(words) != 3:
        raise FactError("dpvs process", line, "`tid cpus name` of a thread")
    return Thread(int(words[0]), words[2], cpu_list(words[1]))
