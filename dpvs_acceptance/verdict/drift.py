"""What differs between devices, or on one device between two times: version, conf, rules. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.words import printable

CONF, RULES, ADDRESSES, ROUTES = "dpvs.conf", "rules", "addresses", "routes"
_LINK_LOCAL = re.compile(r"\bfe80:")
_COUNTERS = re.compile(r"\b(valid_lft|preferred_lft|sa_used|sa_free|sa_miss|lifetime)\b.*")


@dataclass(frozen=True, slots=True)
class Portrait:
    """What of a device can drift, from one run."""

    name: str
    """Of the bench, or of the run."""
    facts: Mapping[str, str]
    lines: Mapping[str, frozenset[str]]
    """Topic to its lines; a topic that was not read is missing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value or line in which some differ from the others."""

    topic: str
    words: str
    names: tuple[str, ...]
    """The fewer: those that differ from the others."""


def portrait(name: str, signoff: SignOff, snapshot: str) -> Portrait:
    """`snapshot`: text of `evidence/snapshots/dut.json`; empty or unreadable: facts alone."""
    device = signoff.device
    facts = {
        "DPVS": device.dpvs,
        "DPDK": device.dpdk,
        "kernel": device.kernel,
        "machine": device.platform,
    }
    facts |= {f"{one.path}": f"sha256 {one.sha256[:16]}" for one in device.binaries}
    for nic in device.nics:
        for fact in ("model", "driver", "firmware", "port", "link"):
            facts[f"{nic.name} {fact}"] = str(getattr(nic, fact) or "–")
    return Portrait(name, facts, dict(_topics(snapshot)))


def _topics(snapshot: str) -> Iterator[tuple[str, frozenset[str]]]:
    try:
        sections: Mapping[str, Any] = dict(json.loads(snapshot)["sections"]) if snapshot else {}
    except (ValueError, KeyError, TypeError):
        sections = {}

    def text(*names: str) -> str:
        return "\n".join(str(sections[name].get("stdout") or "") for name in names)

    readers = (
        (CONF, ("dpvs.conf",), _conf),
        (RULES, ("ipvsadm -ln",), _rules),
        (ADDRESSES, ("dpip -s addr show",), _addresses),
        (ROUTES, ("dpip route show", "dpip -6 route show"), _routes),
    )
    for topic, names, read in readers:
        if all(isinstance(sections.get(name), dict) for name in names):
            yield topic, frozenset(printable(line, 300) for line in read(text(*names)))


def _conf(text: str) -> Iterator[str]:
    """A line per setting, with the blocks that it is in."""
    blocks: list[str] = []
    for raw in text.splitlines():
        line = " ".join(re.split(r"[!#]", raw, maxsplit=1)[0].split())
        if line == "}":
            del blocks[-1:]
        elif line.endswith("{"):
            blocks.append(line[:-1].strip())
        elif line:
            yield " / ".join((*blocks, line))


def _rules(text: str) -> Iterator[str]:
    """A line per service, real server of a service; without the numbers of connections."""
    service = ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["->"] and service and len(words) >= 4:
            yield f"{service} {' '.join(words[:4])}"
        elif words and words[0] in ("TCP", "UDP", "SCTP", "ICMP", "ICMPV6", "MATCH", "FWM"):
            service = " ".join(words[:2])
            yield " ".join(words)


def _addresses(text: str) -> Iterator[str]:
    for line in text.splitlines():
        kept = _COUNTERS.sub("", line).strip()
        if kept.startswith("inet") and not _LINK_LOCAL.search(kept):
            yield kept


def _routes(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not _LINK_LOCAL.search(line):
            yield line.strip()


def differences(portraits: Sequence[Portrait]) -> list[Difference]:
    """Between devices that should be alike; of each value and line the fewer are named."""
    found = list(_facts(portraits))
    for topic in (CONF, RULES, ADDRESSES, ROUTES):
        read = [one for one in portraits if topic in one.lines]
        for line in sorted(frozenset().union(*(one.lines[topic] for one in read))):
            have = tuple(one.name for one in read if line in one.lines[topic])
            lack = tuple(one.name for one in read if line not in one.lines[topic])
            if not lack:
                continue
            if len(have) <= len(lack):
                found.append(Difference(topic, f"only here: {line}", have))
            else:
                found.append(Difference(topic, f"missing here: {line}", lack))
    return found


def _facts(portraits: Sequence[Portrait]) -> Iterator[Difference]:
    for fact in dict.fromkeys(fact for one in portraits for fact in one.facts):
        values: dict[str, list[str]] = {}
        for one in portraits:
            values.setdefault(one.facts.get(fact, "not there"), []).append(one.name)
        usual = max(values, key=lambda value: len(values[value]))
        for value, names in values.items():
            if value != usual:
                yield Difference(fact, f"{value}; the others: {usual}", tuple(names))


def drifted(before: Portrait, now: Portrait) -> list[tuple[str, str, str]]:
    """Topic, before, now: what changed on one device; a dash where there is nothing."""
    found = [
        (fact, before.facts.get(fact, "–"), now.facts.get(fact, "–"))
        for fact in dict.fromkeys((*before.facts, *now.facts))
        if before.facts.get(fact) != now.facts.get(fact)
    ]
    for topic in (CONF, RULES, ADDRESSES, ROUTES):
        if topic in before.lines and topic in now.lines:
            old, new = before.lines[topic], now.lines[topic]
            found += [(topic, line, "–") for line in sorted(old - new)]
            found += [(topic, "–", line) for line in sorted(new - old)]
    return found
