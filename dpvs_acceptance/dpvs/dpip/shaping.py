"""`dpip qsch show` and `dpip cls show`: rate-limiting queues and their classifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.lines import NUMBER, Lines


@dataclass(frozen=True, slots=True)
class QueueSchedule:
    """A queueing schedule. handle: `root`, `ingress` or MAJOR:MINOR. options: as printed."""

    kind: str
    handle: str
    device: str
    classifiers: int
    options: str


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier of a schedule. target: `drop`, or the handle of a schedule."""

    kind: str
    handle: str
    device: str
    schedule: str
    pattern: str
    target: str


_QSCH = re.compile(
    rf"(?:\[[0-9]{{2,5}}\] )?qsch (\S+) (\S+) dev (\S+) parent \S+ flags 0x[0-9a-f]+ "
    rf"cls ({NUMBER})(?: (.*))?"
)
_COUNTED = re.compile(
    rf"Sent {NUMBER} bytes {NUMBER} pkts \(dropped {NUMBER}, overlimits {NUMBER} "
    rf"requeues {NUMBER}\)"
)
_BACKLOG = re.compile(rf"Backlog {NUMBER} bytes {NUMBER} pkts")
_CLS = re.compile(
    r"(?:\[[0-9]{2,5}\] )?cls (\S+) (\S+) dev (\S+) qsch (\S+) pkttype 0x[0-9a-f]{4} "
    r"prio -?[0-9]{1,10} (\S+(?: \S+)*?) target (\S+)"
)


def parse_schedules(text: str, source: str = "dpip qsch show") -> tuple[QueueSchedule, ...]:
    """Every schedule in `text`, with -s or without. Raises ParseError."""
    lines = Lines(text, source)
    schedules = []
    while not lines.at_end:
        found = lines.take(_QSCH, "`qsch KIND HANDLE dev DEVICE parent H flags F cls N …`")
        if lines.take_if(_COUNTED) is not None:
            lines.take(_BACKLOG, "`Backlog N bytes N pkts`")
        schedules.append(QueueSchedule(found[1], found[2], found[3], int(found[4]), found[5] or ""))
    return tuple(schedules)


def parse_classifiers(text: str, source: str = "dpip cls show") -> tuple[Classifier, ...]:
    """Every classifier in `text`. Raises ParseError."""
    lines = Lines(text, source)
    found = []
    while not lines.at_end:
        one = lines.take(_CLS, "`cls KIND HANDLE dev DEVICE qsch H pkttype T prio N … target T`")
        found.append(Classifier(one[1], one[2], one[3], one[4], one[5], one[6]))
    return tuple(found)
