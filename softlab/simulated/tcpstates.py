"""States of a connection, how segments move them, and what the tools call them.

The transitions are those of IPVS (src/ipvs/ip_vs_proto_tcp.c): a row per kind of segment and
direction, a column per state.
"""

from __future__ import annotations

TCP_NONE = "TCP_NONE"
ESTABLISHED = "TCP_EST"
SYN_SENT = "SYN_SENT"
SYN_RECV = "SYN_RECV"
FIN_WAIT = "FIN_WAIT"
TIME_WAIT = "TIME_WAIT"
CLOSE = "TCP_CLOSE"
CLOSE_WAIT = "CLOSE_WAIT"
LAST_ACK = "LAST_ACK"
LISTEN = "LISTEN"
SYNACK = "SYNACK"

UDP_NONE = "UDP_NONE"
UDP_ONEWAY = "UDP_ONEWAY"
UDP_NORMAL = "UDP_NORM"
UDP_LAST = "UDP_LAST"

# The words of dpvs.conf's timeout blocks.
TCP_KEYWORDS = {
    "none": TCP_NONE,
    "established": ESTABLISHED,
    "syn_sent": SYN_SENT,
    "syn_recv": SYN_RECV,
    "fin_wait": FIN_WAIT,
    "time_wait": TIME_WAIT,
    "close": CLOSE,
    "close_wait": CLOSE_WAIT,
    "last_ack": LAST_ACK,
    "listen": LISTEN,
    "synack": SYNACK,
}
UDP_KEYWORDS = {"oneway": UDP_ONEWAY, "normal": UDP_NORMAL, "last": UDP_LAST}

DEFAULT_TIMEOUTS = {
    TCP_NONE: 2,
    ESTABLISHED: 90,
    SYN_SENT: 3,
    SYN_RECV: 30,
    FIN_WAIT: 7,
    TIME_WAIT: 7,
    CLOSE: 3,
    CLOSE_WAIT: 7,
    LAST_ACK: 7,
    LISTEN: 120,
    SYNACK: 30,
    UDP_NONE: 300,
    UDP_ONEWAY: 300,
    UDP_NORMAL: 300,
    UDP_LAST: 3,
}

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10

_COLUMNS = tuple(TCP_KEYWORDS.values())
_SHORT = dict(
    zip(("NO", "ES", "SS", "SR", "FW", "TW", "CL", "CW", "LA", "LI", "SA"), _COLUMNS, strict=True)
)
_TABLE = {
    ("in", SYN): "SR ES ES SR SR SR SR SR SR SR SR",
    ("in", FIN): "CL CW SS TW TW TW CL CW LA LI TW",
    ("in", ACK): "CL ES SS ES FW TW CL CW CL LI ES",
    ("in", RST): "CL CL CL SR CL CL CL CL LA LI SR",
    ("out", SYN): "SS ES SS SR SS SS SS SS SS LI SR",
    ("out", FIN): "TW FW SS TW FW TW CL TW LA LI TW",
    ("out", ACK): "ES ES SS ES FW TW CL CW LA ES ES",
    ("out", RST): "CL CL SS CL CL TW CL CL CL CL CL",
}
_NEXT = {
    (direction, kind, state): _SHORT[short]
    for (direction, kind), row in _TABLE.items()
    for state, short in zip(_COLUMNS, row.split(), strict=True)
}


def tcp_next(state: str, direction: str, flags: int) -> str:
    """The state after a segment; direction is "in" (from the client) or "out"."""
    for kind in (RST, SYN, FIN, ACK):
        if flags & kind:
            return _NEXT[direction, kind, state]
    return CLOSE
