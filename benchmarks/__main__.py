"""Runs every benchmark and prints a table in Markdown: what was asked, and what was seen here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from benchmarks import parsing, snapshots, whole_run

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """(what, asked, seen), as each is measured."""
    yield from whole_run.measure(runs=3)
    yield from snapshots.measure(delay=0.0)
    yield from snapshots.measure(delay=0.005)
    yield from parsing.measure()


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("bench: the software lab needs root")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} CPUs, load before {load}\n", flush=True)
    print("| what | asked | seen |\n|---|---|---|", flush=True)
    for what, asked, seen in rows():
        print(f"| {what} | {asked} | {seen} |", flush=True)


main()
