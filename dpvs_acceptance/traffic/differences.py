"""Compares expected and seen frames field by field; ignored fields need a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from . import tcpoptions
from .errors import InconclusiveCapture
from .expected import Expected
from .views import LinkView, Outer, View, describe

_OUTER = {f"outer.{field.name}" for field in fields(Outer)}
SHORTEST = 60  # bytes of an Ethernet frame without FCS, up to which it is padded


@dataclass(frozen=True, slots=True)
class FieldDifference:
    field: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, seen {self.seen}"


def differences(
    expected: Expected | View, seen: View | None, ignore: Mapping[str, str] | None = None
) -> list[FieldDifference]:
    """Every field in which ``seen`` differs from the expectation; empty if it is exact.

    ignore: field to the reason why it is ignored; an unknown field or an empty reason is an error.
    Checksums are compared by state (correct, wrong, absent); the message shows the values.
    InconclusiveCapture if nothing differs but the checksum of a received frame, which its receiver
    was given unfinished: a guest of the machine that sent it.
    """
    wanted = expected.view if isinstance(expected, Expected) else expected
    left_out = dict(expected.free) if isinstance(expected, Expected) else {}
    left_out.update(ignore or {})
    names = {field.name for field in fields(wanted)} | _OUTER
    for name, reason in left_out.items():
        if name not in names:
            raise ValueError(f"{type(wanted).__name__} has no field {name!r} to ignore")
        if not reason.strip():
            raise ValueError(f"field {name!r} is ignored without a reason")
    if seen is None:
        return [FieldDifference("frame", describe(wanted), "no such frame")]
    if type(seen) is not type(wanted):
        return [FieldDifference("kind of packet", describe(wanted), describe(seen))]
    found = [
        _difference(name, one, other, seen)
        for name, one, other in _compared(wanted, seen)
        if name not in left_out and one != other
    ]
    if seen.frame.checksum_pending and not seen.frame.outgoing:
        others = [one for one in found if one.field != "checksum"]
        if found and not others:
            raise InconclusiveCapture(
                "the receiver got the frame with its checksum still to be filled in, as between "
                "guests of one machine: switch off the sender's tx checksum offload (ethtool -K "
                f"… tx off) to see it: {describe(seen)}"
            )
        found = others
    if seen.padding and "padding" not in left_out:
        longest = SHORTEST + 4 * len(seen.vlans)
        if len(seen.frame.data) > longest:
            found.append(
                FieldDifference(
                    "padding",
                    f"none in a frame beyond {longest} bytes",
                    f"{len(seen.padding)} bytes after the packet",
                )
            )
    return found


def _compared(wanted: View, seen: View) -> Iterator[tuple[str, Any, Any]]:
    """(name, expected, seen) of every field; fields of a tunnel's header are ``outer.…``."""
    for field in fields(wanted):
        if not field.compare:
            continue
        one, other = getattr(wanted, field.name), getattr(seen, field.name)
        if isinstance(one, Outer) and isinstance(other, Outer):
            for part in fields(Outer):
                yield f"outer.{part.name}", getattr(one, part.name), getattr(other, part.name)
        else:
            yield field.name, one, other


def _difference(name: str, expected: Any, seen: Any, view: LinkView) -> FieldDifference:
    return FieldDifference(name, _show(name, expected), _show(name, seen) + _sums(name, view))


def _sums(name: str, view: Any) -> str:
    if name != "checksum":
        return ""
    return f" ({view.checksum_seen:#06x}, correct is {view.checksum_right:#06x})"


def _show(name: str, value: Any) -> str:
    if name == "options":
        return tcpoptions.text(value)
    if name in ("seq", "ack"):
        return f"{value} ({value:#010x})"
    if name == "ethertype":
        return f"{value:#06x}"
    if isinstance(value, bytes):
        return _octets(value)
    return str(value) if value not in ("", ()) else "none"


def _octets(value: bytes) -> str:
    if not value:
        return "nothing"
    shown = value[:48]
    text = (
        repr(shown)[1:]
        if all(32 <= octet < 127 or octet in (10, 13) for octet in shown)
        else (shown.hex(" "))
    )
    return f"{len(value)} bytes {text}{'…' if len(value) > len(shown) else ''}"


def report(found: Sequence[FieldDifference], title: str = "") -> str:
    """Differences as an indented list under a title, for the message of an assertion."""
    lines = [f"  {one}" for one in found]
    return "\n".join([title, *lines] if title else lines)
