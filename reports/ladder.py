"""A check's packets as a ladder: client, VIP, LIP, real server, in the order they were captured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.traffic.tcpoptions import text
from dpvs_acceptance.traffic.toa import ToaError
from dpvs_acceptance.traffic.views import IcmpView, IpView, TcpView, UdpView, View, describe
from dpvs_acceptance.verdict.words import printable
from reports.drawing import MONO, Line, Picture, Shape, Words, shorten
from reports.messages import Wrong

MOST = 30
"""Packets drawn; a check of many flows shows the first ones."""

_STEP = 28.0
_TOP = 44.0
_LETTERS = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG"}


@dataclass(frozen=True, slots=True)
class Step:
    """One packet on one side of the load balancer. `begin` and `end` name lifelines."""

    time_ns: int
    begin: str
    end: str
    label: str
    carried: str
    """The client's address that it carries, in TOA or UOA; else its TCP options."""
    tells: bool
    """Whether it carries the client's address."""
    at_client: bool
    """Captured at a client, not at a real server."""
    wrong: tuple[str, ...] = ()
    """Names of its wrong fields."""


@dataclass(frozen=True, slots=True)
class Ladder:
    picture: Picture
    shown: int
    whole: int
    lines: tuple[str, ...]
    """The same as text, a line per packet."""


NOTHING_WRONG = Wrong({})


def make_ladder(
    views: Mapping[str, Sequence[View]],
    topology: Topology,
    left: int = 0,
    wrong: Wrong = NOTHING_WRONG,
) -> Ladder | None:
    """None where the captures hold no packet of VIP, LIP or real server.

    `left`: packets of these captures that are not among the views. Of a conversation that is too
    long the part with the first wrong packet is shown.

    Order is by the hosts' own clocks: between hosts whose clocks differ it means little.
    """
    steps = sorted(_steps(views, topology, wrong), key=lambda step: step.time_ns)
    if not steps:
        return None
    first_wrong = next((n for n, step in enumerate(steps) if step.wrong), 0)
    begin_at = max(0, min(first_wrong - MOST // 2, len(steps) - MOST))
    drawn = steps[begin_at : begin_at + MOST]
    used = {end for step in drawn for end in (step.begin, step.end)}
    lifelines = [name for name in _lifelines(topology) if name in used]
    places = _places(lifelines)
    width = 860.0
    shapes: list[Shape] = []
    height = _TOP + len(drawn) * _STEP + 14
    for name, x in places.items():
        title, *rest = name.split(" ", 1)
        shapes.append(Words(x, 14, title, 12, "middle", bold=True))
        if rest:
            shapes.append(Words(x, 28, shorten(rest[0], 10, 200, MONO), 10, "middle", font=MONO))
        shapes.append(Line(x, 34, x, height - 6, "soft", dashed=True))
    lines = []
    first = drawn[0].time_ns
    for index, step in enumerate(drawn):
        y = _TOP + index * _STEP + 14
        begin, end = places[step.begin], places[step.end]
        colour = "fail" if step.wrong else "accent" if step.at_client else "blocked"
        shapes.append(Line(begin, y, end, y, colour, 1.4, arrow=True))
        room = max(abs(end - begin) - 10, 120)
        label = shorten(step.label, 9.5, room, MONO)
        shapes.append(Words((begin + end) / 2, y - 4, label, 9.5, "middle", "ink", font=MONO))
        marked = f"✗ {', '.join(step.wrong)}" if step.wrong else ""
        below = "  ".join(text for text in (step.carried, marked) if text)
        shown = shorten(below, 9.5, room, MONO)
        colour = "fail" if step.wrong else "flaky" if step.tells else "soft"
        bold = bool(step.wrong) or step.tells
        shapes.append(Words((begin + end) / 2, y + 11, shown, 9.5, "middle", colour, bold, MONO))
        moment = f"{(step.time_ns - first) / 1e6:9.3f} ms"
        shapes.append(Words(0, y + 3, moment.strip(), 9, colour="soft", font=MONO))
        way = f"{step.begin} > {step.end}"
        lines.append(f"{moment}  {way}  {step.label} {below}".rstrip())
    title = " – ".join(lifelines)
    picture = Picture(width, height, title, "; ".join(lines), tuple(shapes))
    return Ladder(picture, len(drawn), len(steps) + left, tuple(lines))


def _lifelines(topology: Topology) -> list[str]:
    return [
        *topology.clients,
        *(f"VIP {vip}" for vips in topology.vips.values() for vip in vips),
        *dict.fromkeys(f"LIP {lip}" for s in topology.services for lip in s.local_addresses),
        *topology.real_servers,
    ]


def _steps(views: Mapping[str, Sequence[View]], topology: Topology, wrong: Wrong) -> Iterator[Step]:
    vips = {str(vip) for vips in topology.vips.values() for vip in vips}
    lips = {str(lip) for service in topology.services for lip in service.local_addresses}
    for host, seen in views.items():
        if host in topology.clients:
            mine, word = vips, "VIP"
        elif host in topology.real_servers:
            mine, word = lips, "LIP"
        else:
            continue
        for view in seen:
            if not isinstance(view, IpView):
                continue
            if view.dst in mine:
                begin, end = (host, f"{word} {view.dst}")
            elif view.src in mine:
                begin, end = (f"{word} {view.src}", host)
            else:
                continue
            told = _told(view)
            options = text(view.options) if isinstance(view, TcpView) and view.options else ""
            yield Step(
                view.frame.time_ns,
                begin,
                end,
                _label(view),
                printable(told or options, 160),
                bool(told),
                host in topology.clients,
                _wrong(view, wrong),
            )


def _wrong(view: IpView, wrong: Wrong) -> tuple[str, ...]:
    """Names of its wrong fields: what the check said, and what the packet itself shows."""
    names = wrong.packets.get(printable(describe(view)), ())
    told = _told(view)
    if told and told.split(" ", 1)[1] in wrong.told:
        names = (*names, told.split(" ", 1)[0])
    if view.problem:
        names = (*names, view.problem)
    return tuple(dict.fromkeys(names))


def _places(lifelines: Sequence[str]) -> dict[str, float]:
    """Where each stands: packets go from client to VIP and from LIP to real server, none between
    VIP and LIP, which are the load balancer's two sides."""
    kinds = [name.split(" ")[0] for name in lifelines]
    gaps = [
        1.25 if (one, other) == ("VIP", "LIP") or one == other else 3.0
        for one, other in pairwise(kinds)
    ]
    unit = 690.0 / max(sum(gaps), 3.0)
    places = [110.0]
    for gap in gaps:
        places.append(places[-1] + gap * unit)
    return dict(zip(lifelines, places, strict=True))


def _told(view: IpView) -> str:
    """The client's address that it carries: `TOA 10.0.0.1:80`."""
    if isinstance(view, UdpView) and view.uoa is not None:
        return f"UOA {_end(view.uoa.address, view.uoa.port)}"
    if isinstance(view, TcpView):
        try:
            toa = view.toa()
        except ToaError as error:
            return f"TOA? {error}"
        return "" if toa is None else f"TOA {_end(toa.address, toa.port)}"
    return ""


def _label(view: IpView) -> str:
    """Flags, numbers and the client's address that it carries."""
    if isinstance(view, TcpView):
        flags = " ".join(_LETTERS.get(flag, flag) for flag in view.flags)
        parts = [f"{flags} seq {view.seq}"]
        if "A" in view.flags:
            parts.append(f"ack {view.ack}")
        if view.payload:
            parts.append(f"{len(view.payload)} B")
        said = " ".join(parts)
    elif isinstance(view, UdpView):
        said = f"UDP {view.sport}>{view.dport} {len(view.payload)} B"
    elif isinstance(view, IcmpView):
        kind = "request" if view.is_request else "reply" if view.is_reply else f"{view.icmp_type}"
        said = f"ICMP {kind} id {view.identifier} seq {view.sequence}"
    else:
        said = f"protocol {view.protocol}, {view.ip_length} B"
    return printable(said + (f" ({view.problem})" if view.problem else ""), 160)


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
