"""A rule: which frames, and what becomes of them. Data, as it stands in the catalogue of faults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Leg = Literal["", "leaving", "arriving", "client-dut", "dut-rs", "rs-dut", "dut-client"]
"""Where a frame is on its way. `leaving` and `arriving` are any frames from and to the DUT. The
other four are frames of a service between a client or a real server (RS) and the DUT; ARP and ND
are on the leg of the address that they are about."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault of frames. A key that is not given matches everything.

    do: what becomes of the frames (a name of `actions.ACTIONS`).
    field, op, value: of `change`, what is changed, and how (`fields.FIELDS`, `fields.OPERATIONS`).
    seconds: of `delay` and `reorder`, how long a frame is held back.
    leg, kind, family (4 or 6), link: which frames (`kinds.KINDS`).
    size: least and greatest length of the IP packet, in octets.
    payload: least and greatest number of octets that TCP, UDP or ICMP carries.
    client, server: name of the client or of the real server at the other end.
    port: the port at the DUT's or the real server's end that the frame comes from or goes to.
    every: only each n-th of the frames that match all other keys.
    flows: only frames of each n-th flow.
    position: first and last number of the frame in its flow and direction, from 1, among those
        that match the keys above.
    after: only when the flow is at least this old, in seconds.
    idle: only the first frame after a pause of at least this many seconds in the flow's direction.
    beyond: only flows that opened while at least this many others were open.
    """

    do: str
    field: str = ""
    op: str = "xor"
    value: int = 1
    seconds: float = 0.0
    leg: Leg = ""
    kind: str = ""
    family: Literal[0, 4, 6] = 0
    link: str = ""
    size: tuple[int, int] | None = None
    payload: tuple[int, int] | None = None
    client: str = ""
    server: str = ""
    port: int = 0
    every: int = 1
    flows: int = 1
    position: tuple[int, int] | None = None
    after: float = 0.0
    idle: float = 0.0
    beyond: int = 0

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - of the catalogue's reader


def watching(rule: Rule) -> Rule:
    """A rule that only counts the frames that this one is about; of each n-th, all of them."""
    plain = Rule("watch")
    done = ("do", "field", "op", "value", "seconds", "every", "flows")
    return replace(rule, **{name: getattr(plain, name) for name in done})


def from_json(value: Mapping[str, Any]) -> Rule:
    """A rule of JSON values. TypeError for a key that there is not."""
    taken: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    return Rule(**taken)


def to_json(rule: Rule) -> dict[str, Any]:
    """The same as JSON values; only what differs from the defaults."""
    found = {one.name: (getattr(rule, one.name), one.default) for one in fields(rule)}
    return {name: value for name, (value, default) in found.items() if value != default}
