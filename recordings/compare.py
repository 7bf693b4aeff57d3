"""Where the simulated DPVS differs from a real one: texts line by line, packets field by field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import Frame
from dpvs_acceptance.traffic.views import IcmpView, TcpView, UdpView, View
from recordings.recorder import Recording

# What differs from run to run on one and the same device.
_CHANGING = (
    (re.compile(r"build on \S+"), "build on DATE"),
    (re.compile(r"sa_used \d+ sa_free \d+"), "sa_used N sa_free N"),
    (re.compile(r"^(\[\d+\](?:tcp|udp)) \d+s +\S+ +.*"), r"\1 CONNECTION"),
    (re.compile(r"^((?:TCP|UDP|  ->) +\S+?)(?: +\d+){5}$"), r"\1 COUNTERS"),
    (re.compile(r"^( +-> \S+ +FullNat \d+) +\d+ +\d+ *$"), r"\1 CONNECTIONS"),
    (re.compile(r"^( +[0-9a-f.:]+) +\d+ +\d+ *$"), r"\1 CONFLICTS CONNS"),
)


def text_differences(real: Recording, simulated: Recording) -> dict[str, list[str]]:
    """By recording's name: the lines of a unified diff, real first. Same texts are left out."""
    found = {}
    for name, text in real.texts.items():
        lines = list(
            difflib.unified_diff(
                _steady(text), _steady(simulated.texts[name]), "real", "simulated", "", "", 0, ""
            )
        )
        if lines:
            found[name] = lines[2:]
    return found


def packet_differences(real: Recording, simulated: Recording) -> dict[str, list[str]]:
    """By flow and side: where the sequence of packets differs in anything but the run's numbers.

    The two sides are not compared with each other here; that is what the checks do.
    """
    found = {}
    for name, frames in real.frames.items():
        lines = list(
            difflib.unified_diff(
                list(_shapes(frames)),
                list(_shapes(simulated.frames[name])),
                *("real", "simulated", "", "", 0, ""),
            )
        )
        if lines:
            found[name] = lines[2:]
    return found


def _steady(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        for pattern, replacement in _CHANGING:
            line = pattern.sub(replacement, line)
        lines.append(line.rstrip())
    # The order of a hash table is not defined.
    return sorted(lines) if text.startswith(("$ dpip neigh", "$ ipvsadm -lnc")) else lines


def _shapes(frames: list[Frame]) -> Iterator[str]:
    for frame in frames:
        view = dissect(frame)
        shape = _shape(view)
        if shape:
            yield f"{'>' if frame.outgoing else '<'} {shape}"


def _shape(view: View) -> str:
    """What of a packet must be the same on any device; empty for packets of no flow."""
    if isinstance(view, TcpView):
        options = ",".join(_option(option.kind) for option in view.options)
        place = view.toa()
        toa = f" TOA {place.address} at {place.position}" if place else ""
        return (
            f"{view.src} > {view.dst} {view.flags} ttl {view.ttl} mss {view.mss} "
            f"options {options}{toa} payload {len(view.payload)} {view.checksum}"
        )
    if isinstance(view, UdpView):
        uoa = f" UOA {view.uoa.mode} {view.uoa.address}" if view.uoa else ""
        return f"{view.src} > {view.dst} UDP ttl {view.ttl}{uoa} payload {len(view.payload)}"
    if isinstance(view, IcmpView) and (view.is_request or view.is_reply):
        return f"{view.src} > {view.dst} ICMP {view.icmp_type} ttl {view.ttl} {view.checksum}"
    return ""


def _option(kind: int) -> str:
    return {1: "NOP", 2: "MSS", 3: "WS", 4: "SACK", 8: "TS", 254: "TOA"}.get(kind, str(kind))
