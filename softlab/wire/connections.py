"""What goes wrong in a TCP connection: what takes knowing what came before."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from softlab.wire.addresses import Addresses
from softlab.wire.flows import key_of
from softlab.wire.frame import ACK, FIN, ICMP6, SYN, Frame
from softlab.wire.rule import Rule
from softlab.wire.seen import Action, Factory, Out, Seen, same

_MASK: Final = 0xFFFFFFFF


def _dropping(made: Callable[[], Callable[[Seen], bool]]) -> Factory:
    """An action that drops what the function says, which remembers what it saw."""

    def factory(_rule: Rule, _addresses: Addresses) -> Action:
        lost = made()
        return lambda seen: [] if seen.frame.is_tcp and lost(seen) else same(seen)

    return factory


def _opening(seen: Seen) -> bool:
    return seen.leg == "dut-rs" and seen.frame.flags & (SYN | ACK) == SYN


def _key(seen: Seen) -> object:
    return key_of(seen.frame, leaving=seen.leaving)


def _syn_after_fin() -> Callable[[Seen], bool]:
    closed: set[object] = set()

    def lost(seen: Seen) -> bool:
        if seen.leg == "dut-rs" and seen.frame.flags & FIN:
            closed.add(_key(seen))
        return _opening(seen) and _key(seen) in closed

    return lost


def _data_before_ack() -> Callable[[Seen], bool]:
    acknowledged: set[object] = set()

    def lost(seen: Seen) -> bool:
        if seen.leg != "dut-rs":
            return False
        if seen.frame.flags & (SYN | ACK) == ACK and not seen.frame.payload:
            acknowledged.add(_key(seen))
        return bool(seen.frame.payload) and _key(seen) not in acknowledged

    return lost


def _service_port(seen: Seen) -> int:
    """The port of a check's own service, which is the same at the VIP and at the real server."""
    return seen.frame.header[1 if seen.leg == "dut-rs" else 0]


def _data_after_fin() -> Callable[[Seen], bool]:
    """The direction that is still open is not served any more."""
    closing: dict[int, set[str]] = {}

    def lost(seen: Seen) -> bool:
        if seen.leg not in ("dut-rs", "dut-client"):
            return False
        closed = closing.setdefault(_service_port(seen), set())
        if seen.frame.flags & FIN:
            closed.add(seen.leg)
        elif _opening(seen):
            closed.clear()
        return bool(seen.frame.payload) and bool(closed - {seen.leg})

    return lost


def _second_fin() -> Callable[[Seen], bool]:
    """Of two FIN in a row the second is lost."""
    last: dict[int, bool] = {}

    def lost(seen: Seen) -> bool:
        if not seen.leaving:
            return False
        port, now = _service_port(seen), bool(seen.frame.flags & FIN)
        before, last[port] = last.get(port, False), now
        return before and now

    return lost


def _repeated_syn(_rule: Rule, _addresses: Addresses) -> Action:
    """A repeated SYN gets to the real server from another port."""
    known: set[object] = set()

    def action(seen: Seen) -> list[Out]:
        if not _opening(seen):
            return same(seen)
        if _key(seen) not in known:
            known.add(_key(seen))
            return same(seen)
        header = seen.frame.header
        raw = seen.frame.segment(
            [header[0] + 1, *header[1:]], seen.frame.options, seen.frame.payload
        )
        return [Out(raw)]

    return action


def _header(change: Callable[[list[int]], list[int]]) -> Factory:
    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.is_tcp or (new := change(frame.header)) == frame.header:
            return same(seen)
        return [Out(frame.segment(new, frame.options, frame.payload))]

    return lambda _rule, _addresses: action


def _wrapped(header: list[int]) -> list[int]:
    """Acknowledgements beyond 2^32 are one too many."""
    return [*header[:3], header[3] + (0 < header[3] < 4096), *header[4:]]


def _opened(header: list[int]) -> list[int]:
    """A window of 0 becomes one of 512."""
    return [*header[:5], header[5] or 512, *header[6:]]


def _sequence_of_the_client(_rule: Rule, _addresses: Addresses) -> Action:
    """Sequence numbers stay the client's, both ways: how far they were moved is seen by the SYN."""
    came: deque[Frame] = deque(maxlen=64)
    moved: dict[object, int] = {}

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.is_tcp:
            return same(seen)
        header = frame.header
        if seen.leg == "client-dut" and frame.flags & (SYN | ACK) == SYN:
            came.append(frame)
        if _opening(seen):
            for one in came:
                if one.header[5] == header[5] and one.raw[18:20] == frame.raw[18:20]:
                    moved[_key(seen)] = header[2] - one.header[2]
                    came.remove(one)
                    break
        delta = moved.get(_key(seen), 0)
        if seen.leg == "dut-rs":
            header[2] = (header[2] - delta) & _MASK
        elif seen.leg == "rs-dut" and frame.flags & ACK:
            header[3] = (header[3] + delta) & _MASK
        if header == frame.header:
            return same(seen)
        return [Out(frame.segment(header, frame.options, frame.payload))]

    return action


def _timestamp_kept(_rule: Rule, _addresses: Addresses) -> Action:
    """The ten NOPs that the client's timestamp was replaced by become one again."""
    stamp = b"\x08\x0a\0\x01\0\x01" + bytes(4)

    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        options = frame.options.replace(b"\x01" * 10, stamp, 1)
        return [Out(frame.segment(frame.header, options, frame.payload))]

    return action


def _proxy_line_off(_rule: Rule, _addresses: Addresses) -> Action:
    def action(seen: Seen) -> list[Out]:
        frame = seen.frame
        if not frame.is_tcp or not frame.payload.startswith(b"PROXY "):
            return same(seen)
        rest = frame.payload.partition(b"\r\n")[2]
        return [Out(frame.segment(frame.header, frame.options, rest))]

    return action


def _another_sequence_quoted(_rule: Rule, _addresses: Addresses) -> Action:
    """An ICMP error quotes another sequence number than the receiver's own."""

    def action(seen: Seen) -> list[Out]:
        frame, body = seen.frame, seen.frame.body
        at = 8 + (40 if frame.proto == ICMP6 else 20) + 7
        if len(body) <= at:
            return same(seen)
        body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        return [Out(frame.carrying(body))]

    return action


ACTIONS: Final[Mapping[str, Factory]] = {
    "syn-after-fin-lost": _dropping(_syn_after_fin),
    "data-before-ack-lost": _dropping(_data_before_ack),
    "data-after-fin-lost": _dropping(_data_after_fin),
    "second-fin-lost": _dropping(_second_fin),
    "repeated-syn-from-another-port": _repeated_syn,
    "ack-off-by-one-after-wrap": _header(_wrapped),
    "window-of-0-opened": _header(_opened),
    "sequence-of-the-client": _sequence_of_the_client,
    "timestamp-kept": _timestamp_kept,
    "proxy-line-off": _proxy_line_off,
    "another-sequence-quoted": _another_sequence_quoted,
}
