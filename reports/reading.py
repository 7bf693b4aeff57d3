"""The evidence of a run in addition to `signoff.json`, read for its pictures.

A missing or broken file costs its picture only: the verdict does not depend on it, and `verify`
reports it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import read_pcap
from dpvs_acceptance.traffic.views import View
from dpvs_acceptance.verdict.signing import keys_of
from dpvs_acceptance.verdict.words import printable

LARGEST = 20_000_000
"""Bytes of a file that is still read for a picture."""


@dataclass(frozen=True, slots=True)
class Rtt:
    """Round-trip times in seconds of one client's ping of one VIP."""

    client: str
    vip: str
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SpreadSeen:
    """Connections per real server of one service, and what its scheduler promises."""

    service: str
    client: str
    scheduler: str
    weights: Mapping[str, int]
    counts: Mapping[str, int]
    fair: bool
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the transcript. `start`: seconds since the epoch."""

    number: int
    stage: str
    check: str
    host: str
    command: str
    start: float
    seconds: float
    exit_status: int | None
    said: str


DISSECTED = 200
"""Frames of one capture that are looked at for a ladder, which shows some thirty of all hosts'."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The evidence of a run, as far as it can be read."""

    directory: Path
    topology: Topology | None = None
    asked: tuple[Asked, ...] = ()
    rtts: tuple[Rtt, ...] = ()
    spreads: tuple[SpreadSeen, ...] = ()
    manifest: str = ""
    """SHA-256 of `manifest.json`."""
    keys: tuple[str, ...] = ()
    """Fingerprints of the keys that signed the run."""
    commands: Mapping[str, tuple[Asked, ...]] = field(default_factory=dict)
    """What each check asked of the hosts."""

    def views(self, evidence: Sequence[str]) -> tuple[dict[str, list[View]], int]:
        """The captured packets of a check, by the host that captured them, dissected.

        Of each capture the first ones, which is more than a ladder draws; and how many were left.
        """
        found: dict[str, list[View]] = {}
        left = 0
        for name in evidence:
            if name.endswith(".pcap") and (path := inside(self.directory, name)) is not None:
                try:
                    frames = read_pcap(path)
                except (OSError, ValueError):
                    continue
                found.setdefault(path.stem, []).extend(map(dissect, frames[:DISSECTED]))
                left += len(frames[DISSECTED:])
        return found, left


def inside(directory: Path, name: str) -> Path | None:
    """A regular file of the run that is small enough to read; None for anything else."""
    path = (directory / name).resolve()
    try:
        if path.is_relative_to(directory.resolve()) and path.is_file():
            return path if path.stat().st_size <= LARGEST else None
    except OSError:
        pass
    return None


def read_kept(directory: Path, transcript: str, evidence: Sequence[str], manifest: str) -> Kept:
    """All that pictures are made from; `evidence` are the files of all checks."""
    asked = tuple(_asked(directory, transcript))
    commands: dict[str, list[Asked]] = {}
    for one in asked:
        if one.check and one.stage == "checks" and not one.command.startswith(_LOCK):
            commands.setdefault(one.check, []).append(one)
    return Kept(
        directory=directory,
        topology=stored_topology(directory),
        asked=asked,
        rtts=tuple(_rtts(directory, evidence)),
        spreads=tuple(_spreads(directory, evidence)),
        manifest=manifest,
        keys=keys_of(directory),
        commands={check: tuple(found) for check, found in commands.items()},
    )


def stored_topology(directory: Path) -> Topology | None:
    """The topology of a run; None where it was not kept, or cannot be read."""
    path = inside(directory, "evidence/declared/topology.json")
    try:
        text = "" if path is None else path.read_text(encoding="utf-8")
        return Topology.model_validate_json(text) if text else None
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def _asked(directory: Path, transcript: str) -> list[Asked]:
    path = inside(directory, transcript) if transcript else None
    found = []
    for line in [] if path is None else _text(path).splitlines():
        try:
            row = json.loads(line)
            if row["kind"] in ("run", "connect"):  # the others are long-lived: see the captures
                found.append(_one(row))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _one(row: dict[str, Any]) -> Asked:
    said = " ".join(t for t in (row["stderr"], row["stdout"]) if isinstance(t, str))
    stage = row["phase"] or ("checks" if row["check"] else "other")
    return Asked(
        number=int(row["number"]),
        stage=printable(str(stage), 40),
        check=str(row["check"] or ""),
        host=printable(str(row["host"]), 40),
        command=_command(str(row.get("title") or row["command"])),
        start=datetime.fromisoformat(row["started"]).timestamp(),
        seconds=max(float(row["seconds"]), 0.0),
        exit_status=row["exit_status"],
        said=printable(row["error"] or said.strip()[-400:], 400),
    )


_LOCK = "token="
"""How the commands begin that renew the lock on a host, also while a check runs."""
# traffic.http: a small program about curl, of which a reader needs the address.
_CURL = re.compile(r"command -v curl .*? '?(https?://[^\s']+)'? 2>&1", re.DOTALL)


def _command(text: str) -> str:
    """A command in a line or two; a batch of many reads by its number of them."""
    if text.startswith("mark="):
        reads = sum("frame " in line or "plain " in line for line in text.splitlines())
        return f"(one round trip of about {reads} reads or changes: see the transcript)"
    if (url := _CURL.match(text)) is not None:
        requests = sum(one == "one" or one.startswith("one --") for one in text.splitlines())
        return printable(f"curl {url[1]}" + (f" (× {requests})" if requests > 1 else ""), 500)
    return printable(text.strip(), 500)


def _rtts(directory: Path, evidence: Sequence[str]) -> list[Rtt]:
    found = []
    for data in _json(directory, evidence, "rtt.json"):
        try:
            seconds = tuple(float(one) for one in data["seconds"])
            if not all(0 <= one < math.inf for one in seconds):
                continue
            found.append(Rtt(printable(data["client"], 40), printable(data["vip"], 60), seconds))
        except (KeyError, TypeError, ValueError):
            continue
    return [one for one in found if one.seconds]


def _spreads(directory: Path, evidence: Sequence[str]) -> list[SpreadSeen]:
    found = []
    for data in _json(directory, evidence, "spread.json"):
        try:
            found.append(
                SpreadSeen(
                    service=printable(data["service"], 40),
                    client=printable(data["client"], 40),
                    scheduler=printable(data["scheduler"], 40),
                    weights={printable(k, 40): int(v) for k, v in data["weights"].items()},
                    counts={printable(k, 40): int(v) for k, v in data["counts"].items()},
                    fair=bool(data["fair"]),
                    words=printable(data["words"], 400),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return [one for one in found if one.weights and sum(one.weights.values()) > 0]


def _json(directory: Path, evidence: Sequence[str], name: str) -> list[Any]:
    found = []
    for one in dict.fromkeys(evidence):
        if one.endswith("/" + name) and (path := inside(directory, one)) is not None:
            try:
                found.append(json.loads(_text(path)))
            except ValueError:
                continue
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
