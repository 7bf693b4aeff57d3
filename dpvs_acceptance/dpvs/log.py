"""DPVS's log: its entries, and the data of one start of dpvs.

Lines are `COMPONENT: message`, without a level. Some entries have several lines (tables, blank
lines). With asynchronous logging and log_with_timestamp a line starts with `YYYY-MM-DD hh:mm:ss`,
with syslog by the prefix of syslog. A log is free text: no line of it is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogEntry:
    """line_number: of its first line, from 1. component None: a line outside any entry.

    message: the lines after the first keep their indentation.
    """

    line_number: int
    timestamp: str | None
    component: str | None
    message: str


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What dpvs read about a device from dpvs.conf; None if not logged (log_level)."""

    name: str
    rx_queue_number: int | None = None
    tx_queue_number: int | None = None
    nb_rx_desc: int | None = None
    nb_tx_desc: int | None = None
    rss: str | None = None
    kni_name: str | None = None


@dataclass(frozen=True, slots=True)
class LinkUp:
    """`>> dpdk0: link up - speed 10000 Mbps - full-duplex`: the port was started."""

    device: str
    speed_mbps: int
    duplex: str


@dataclass(frozen=True, slots=True)
class Start:
    """The last start of dpvs in a log; complete only with log level INFO.

    version, conf_file, pid_file, ipc_file: from the `DPVS:` lines, which go to stdout, not to
    log_file; None if the text has only the log.
    failed: ports that DPVS could not start.
    icmp_redirect: (worker, its cpu_id), from icmp_redirect_core.
    loops: (lcore, role) of lcores that reached their loop, e.g. (0, "lcre_role_master") (sic).
    """

    version: str | None = None
    conf_file: str | None = None
    pid_file: str | None = None
    ipc_file: str | None = None
    log_level: str | None = None
    log_file: str | None = None
    devices: tuple[DeviceSettings, ...] = ()
    links_up: tuple[LinkUp, ...] = ()
    failed: tuple[str, ...] = ()
    icmp_redirect: tuple[str, int] | None = None
    unknown_keywords: tuple[str, ...] = ()
    loops: tuple[tuple[int, str], ...] = ()

    def device(self, name: str) -> DeviceSettings | None:
        return next((device for device in self.devices if device.name == name), None)


_ENTRY = re.compile(
    # The prefix of syslog, also with ISO 8601 (rsyslog), or of journalctl; of any program name.
    r"(?:(?P<syslog>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
    r" \S{1,255} [\w./@-]{1,64}(?:\[\d{1,10}\])?: )?"
    r"(?:(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) )?"
    r"(?P<component>[A-Z][A-Za-z0-9_]{1,30}): (?P<message>.*)"
)
# Looks like an entry of a component RSS, but belongs to the table before it.
_NO_ENTRY = re.compile(r"RSS: ")


def parse_log(text: str) -> tuple[LogEntry, ...]:
    """The entries of `text`; continuation lines are added to the entry before."""
    entries: list[LogEntry] = []
    begun: LogEntry | None = None
    more: list[str] = []

    def end() -> None:
        if begun is not None:
            message = "\n".join((begun.message, *more)).rstrip()
            entries.append(LogEntry(begun.line_number, begun.timestamp, begun.component, message))

    for number, line in enumerate(text.split("\n"), start=1):
        found = None if _NO_ENTRY.match(line) else _ENTRY.fullmatch(line)
        if found is not None:
            end()
            begun = LogEntry(
                number, found["time"] or found["syslog"], found["component"], found["message"]
            )
            more = []
        elif begun is not None:
            more.append(line)
        elif line.strip():
            begun = LogEntry(number, None, None, line)
    end()
    return tuple(entries)


_LOADED = re.compile(r"load dpvs configuation file at .*")
_BANNER = re.compile(r"dpvs version: (\S+), build on \S+")
_FILE = re.compile(r"dpvs-(conf|pid|ipc)-file: (\S+)")
_LOG = re.compile(r"(log_level|log_file) = (\S+)")
_DEVICE = re.compile(r"netif device config: (\S+)")
_NUMBER = re.compile(
    r"(\S+):(rx_queue_number|tx_queue_number|nb_rx_desc|nb_tx_desc) = (\d{1,9})(?: .*)?"
)
_TEXT = re.compile(r"(\S+):(rss|kni_name) = (\S+)")
_LINK_UP = re.compile(r">> (\S+): link up - speed (\d{1,10}) Mbps - (full-duplex|half-duplex)")
_FAILED = re.compile(r"Start (\S+) failed, skipping \.\.\.")
_ICMP = re.compile(r"(\S+)\((\d{1,9})\) used to redirect icmp packets")
_UNKNOWN = re.compile(r"not supported keyword -- (\S+)")
_LOOP = re.compile(r"lcore (\d{1,5}) enter (\S+) loop")


def read_start(text: str) -> Start:
    """The last start in `text`: the log file, dpvs's stdout, or stdout followed by the log."""
    reading = _StartReading()
    for entry in _last_start(parse_log(text)):
        reading.take(entry.message.split("\n", 1)[0].rstrip())
    return reading.start()


def last_start(text: str) -> str:
    """The part of a log that begins with the last start in it; all of it if none is recognised."""
    entries = _last_start(parse_log(text))
    return text if not entries else "\n".join(text.split("\n")[entries[0].line_number - 1 :])


def _last_start(entries: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
    """A log file contains several starts. A start is recognised by its banner (on stdout), or by
    device lines after the loading of dpvs.conf, which a reload (SIGHUP) does not log.
    """
    start, candidate, has_banner = 0, None, False
    for index, entry in enumerate(entries):
        line = entry.message.split("\n", 1)[0].rstrip()
        if _BANNER.fullmatch(line) is not None:
            start, candidate, has_banner = index, None, True
        elif _LOADED.fullmatch(line) is not None:
            candidate = None if has_banner else index
        elif _DEVICE.fullmatch(line) is not None:
            if candidate is not None:
                start = candidate
            candidate, has_banner = None, False
    return entries[start:]


class _StartReading:
    """Collects a Start, line by line."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._devices: dict[str, dict[str, int | str]] = {}
        self._up: dict[str, LinkUp] = {}
        self._failed: list[str] = []
        self._icmp: tuple[str, int] | None = None
        self._unknown: list[str] = []
        self._loops: dict[int, str] = {}

    def take(self, line: str) -> None:
        if (found := _BANNER.fullmatch(line)) is not None:
            self._texts["version"] = found[1]
        elif (found := _FILE.fullmatch(line)) is not None:
            self._texts[f"{found[1]}_file"] = found[2]
        elif (found := _LOG.fullmatch(line)) is not None:
            self._texts[found[1]] = found[2]
        elif (found := _DEVICE.fullmatch(line)) is not None:
            self._devices[found[1]] = {}
        elif (found := _NUMBER.fullmatch(line)) is not None:
            self._devices.setdefault(found[1], {})[found[2]] = int(found[3])
        elif (found := _TEXT.fullmatch(line)) is not None and found[1] in self._devices:
            self._devices[found[1]][found[2]] = found[3]
        else:
            self._take_event(line)

    def _take_event(self, line: str) -> None:
        if (found := _LINK_UP.fullmatch(line)) is not None:
            self._up[found[1]] = LinkUp(found[1], int(found[2]), found[3])
        elif (found := _FAILED.fullmatch(line)) is not None:
            self._failed.append(found[1])
        elif (found := _ICMP.fullmatch(line)) is not None:
            self._icmp = found[1], int(found[2])
        elif (found := _UNKNOWN.fullmatch(line)) is not None:
            self._unknown.append(found[1])
        elif (found := _LOOP.fullmatch(line)) is not None:
            self._loops[int(found[1])] = found[2]

    def start(self) -> Start:
        return Start(
            **self._texts,
            devices=tuple(self._settings(name) for name in self._devices),
            links_up=tuple(self._up.values()),
            failed=tuple(dict.fromkeys(self._failed)),
            icmp_redirect=self._icmp,
            unknown_keywords=tuple(dict.fromkeys(self._unknown)),
            loops=tuple(sorted(self._loops.items())),
        )

    def _settings(self, name: str) -> DeviceSettings:
        read = self._devices[name]
        numbers = {key: value for key, value in read.items() if isinstance(value, int)}
        texts = {key: value for key, value in read.items() if isinstance(value, str)}
        return DeviceSettings(
            name,
            numbers.get("rx_queue_number"),
            numbers.get("tx_queue_number"),
            numbers.get("nb_rx_desc"),
            numbers.get("nb_tx_desc"),
            texts.get("rss"),
            texts.get("kni_name"),
        )
