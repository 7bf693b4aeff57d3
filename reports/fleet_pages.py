"""`python -m dpvs_acceptance fleet RUN…`: many devices on one page, from stored runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from dpvs_acceptance.verdict.drift import Portrait, portrait
from dpvs_acceptance.verdict.fleet import Run, make_fleet, to_lines
from dpvs_acceptance.verdict.signoff import SignOff, from_text
from reports.building import render_fleet
from reports.reading import inside

_SNAPSHOT = "evidence/snapshots/dut.json"
_BENCH = "evidence/declared/bench.json"


def fleet_lines(runs: Sequence[Path], history: Path | None, html: Path | None) -> Iterator[str]:
    """Writes the page, if asked for, and gives the same as text.

    `history`: a folder of runs, of which those of the same devices are read for trends.
    Raises OSError, UnicodeDecodeError and pydantic's ValidationError for a run that was named and
    cannot be read; others are left out.
    """
    place = None if html is None else html.parent
    found = [_read(run, place) for run in runs]
    devices = {(one.bench, one.signoff.topology) for one in found}
    there = {one.signoff.run for one in found}
    for run in sorted(history.iterdir()) if history is not None and history.is_dir() else ():
        try:
            one = _read(run, place)
        except (OSError, ValidationError, UnicodeDecodeError):
            continue
        if (one.bench, one.signoff.topology) in devices and one.signoff.run not in there:
            found.append(one)
    if not found:
        return
    fleet = make_fleet(found)
    yield from to_lines(fleet)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(render_fleet(fleet), encoding="utf-8")
        yield f"page of the fleet: {html}"


def _read(run: Path, place: Path | None) -> Run:
    signoff = from_text((run / "signoff.json").read_text(encoding="utf-8"))
    bench = bench_name(run, signoff)
    page = "" if place is None else os.path.relpath(run / "index.html", place)
    return Run(bench, signoff, portrait_of(run, bench, signoff), page)


def bench_name(run: Path, signoff: SignOff) -> str:
    """The name by which --host called the device; of an old run the device's own."""
    path = inside(run, _BENCH)
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["name"]) if path else _host(signoff)
    except (OSError, ValueError, KeyError, TypeError):
        return _host(signoff)


def _host(signoff: SignOff) -> str:
    return signoff.device.host


def portrait_of(run: Path, name: str, signoff: SignOff) -> Portrait:
    """What of the device can drift, from the run's first snapshot after the bring-up."""
    path = inside(run, _SNAPSHOT)
    text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    return portrait(name, signoff, text)
