"""What must have become of each flow: pure functions on what both ends saw."""

from __future__ import annotations

from collections.abc import Sequence

from .flows import SeenByServers, ServedTalk, ServedUdp, Talk, UdpTalk


def wrong_talks(talks: Sequence[Talk], seen: SeenByServers | None) -> list[str]:
    """Every connection that did not go as asked, in words; the real server's side where it was
    the suite's own (``seen``), each connection there exactly once."""
    visits: dict[int, list[ServedTalk]] = {}
    for visit in seen.visits if seen else ():
        for flow in {flow for flow, _, _ in visit.requests}:
            visits.setdefault(flow, []).append(visit)
    found = []
    for talk in talks:
        words = _at_client(talk, own_server=seen is not None)
        if not words and seen is not None:
            words = _at_server(talk, visits.get(talk.flow, []))
        if words:
            found.append(f"{_called(talk)}: {words}")
    return found


def _called(talk: Talk) -> str:
    sizes = ", ".join(f"{r.up}/{r.down}" for r in talk.asked.requests[:4])
    more = ", ..." if len(talk.asked.requests) > 4 else ""
    padding = f", {talk.asked.pad} octets of header" if talk.asked.pad else ""
    return f"connection from {talk.local or 'no port'} (octets up/down {sizes}{more}{padding})"


def _at_client(talk: Talk, *, own_server: bool) -> str:
    if talk.error:
        done = len(talk.answers)
        return f"after {done} of {len(talk.asked.requests)} answers: {talk.error}"
    for number, (request, answer) in enumerate(zip(talk.asked.requests, talk.answers, strict=True)):
        which = f"answer {number + 1}"
        if request.end == "reset":
            if answer.said != "reset":
                return f"the server's reset expected, seen: {answer.said}"
        elif answer.status != 200:
            return f"{which}: status 200 expected, seen {answer.status} {answer.said[:60]!r}"
        elif own_server and answer.octets != request.down:
            return f"{which}: {request.down} octets expected, seen {answer.octets}"
        elif own_server and answer.wrong >= 0:
            return f"{which}: octet {answer.wrong} is not what the server sent"
    if talk.end not in ("", "fin"):
        return f"after the last answer: the server's FIN expected, seen {talk.end}"
    return ""


def _at_server(talk: Talk, visits: Sequence[ServedTalk]) -> str:
    if len(visits) != 1:
        return f"one connection at the real servers expected, seen {len(visits)}"
    (visit,) = visits
    wanted = [request.up for request in talk.asked.requests]
    came = [octets for _, octets, _ in visit.requests]
    if came != wanted:
        return f"{visit.rs} received bodies of {came} octets, {wanted} expected"
    wrong = [(number, at) for number, (_, _, at) in enumerate(visit.requests, 1) if at >= 0]
    if wrong:
        return f"{visit.rs}: octet {wrong[0][1]} of request {wrong[0][0]} is not what was sent"
    ends = {
        "reset": ("reset",),
        "half": ("fin",),
        "close": ("fin", "closed by the server", "reset by the server"),
    }[talk.asked.end]
    if visit.end not in ends or visit.late:
        return f"{visit.rs} saw it end with {visit.end!r}, {' or '.join(ends)} expected"
    return ""


def wrong_exchanges(exchanges: Sequence[UdpTalk], seen: SeenByServers | None) -> list[str]:
    """Every UDP flow that did not go as asked: lost, doubled, out of order, other octets."""
    arrived: dict[int, list[ServedUdp]] = {}
    for there in seen.arrived if seen else ():
        for flow in {flow for flow, _, _, _ in there.datagrams}:
            arrived.setdefault(flow, []).append(there)
    found = []
    for one in exchanges:
        words = _flow_at_client(one)
        if not words and seen is not None and one.asked.datagrams[0].up >= 12:
            words = _flow_at_server(one, arrived.get(one.flow, []))
        if words:
            sizes = ", ".join(f"{d.up}/{d.down}" for d in one.asked.datagrams[:4])
            found.append(f"UDP from {one.local or 'no port'} (octets up/down {sizes}): {words}")
    return found


def _flow_at_client(flow: UdpTalk) -> str:
    if flow.error:
        return f"after {len(flow.answers)} of {len(flow.asked.datagrams)} datagrams: {flow.error}"
    for number, (asked, (seconds, octets, wrong)) in enumerate(
        zip(flow.asked.datagrams, flow.answers, strict=True), 1
    ):
        if seconds is None:
            return f"datagram {number} of {asked.up} octets was not answered"
        wanted = max(asked.down, 12) if asked.up >= 12 else asked.up
        if octets != wanted:
            return f"answer {number}: {wanted} octets expected, seen {octets}"
        if wrong >= 0:
            return f"answer {number}: octet {wrong} is not what the server sent"
    if flow.extra:
        return f"{flow.extra} datagrams more than were asked for"
    return ""


def _flow_at_server(flow: UdpTalk, arrived: Sequence[ServedUdp]) -> str:
    if len(arrived) != 1:
        where = ", ".join(f"{one.rs} from {one.peer}" for one in arrived) or "none"
        return f"one flow at the real servers expected, seen {where}"
    (there,) = arrived
    wanted = [(number, one.up) for number, one in enumerate(flow.asked.datagrams) if one.up >= 12]
    came = [(number, octets) for _, number, octets, _ in there.datagrams if number >= 0]
    if came != wanted:
        return f"{there.rs} received (number, octets) {came}, {wanted} expected"
    wrong = [(number, at) for _, number, _, at in there.datagrams if at >= 0]
    if wrong:
        return f"{there.rs}: octet {wrong[0][1]} of datagram {wrong[0][0]} is not what was sent"
    return ""
