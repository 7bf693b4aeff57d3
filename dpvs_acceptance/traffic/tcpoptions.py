"""TCP options in the order of the header."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from . import toa

EOL, NOP, MSS, WSCALE, SACK_PERMITTED, SACK, TIMESTAMP = 0, 1, 2, 3, 4, 5, 8
_NAMES = {
    EOL: "EOL",
    NOP: "NOP",
    MSS: "MSS",
    WSCALE: "WScale",
    SACK_PERMITTED: "SACK-OK",
    SACK: "SACK",
    TIMESTAMP: "Timestamp",
    30: "MPTCP",
    34: "FastOpen",
}


@dataclass(frozen=True, slots=True)
class TcpOption:
    """kind and data without the length byte; EOL and NOP have none."""

    kind: int
    data: bytes = b""

    def encode(self) -> bytes:
        if self.kind in (EOL, NOP):
            return bytes((self.kind,))
        return bytes((self.kind, 2 + len(self.data))) + self.data

    def __str__(self) -> str:
        if self.kind == toa.KIND:
            try:
                return str(toa.decode(self.encode()))
            except toa.ToaError:
                return f"TOA? {self.encode().hex(' ')}"
        name = _NAMES.get(self.kind, f"option {self.kind}")
        if self.kind == MSS and len(self.data) == 2:
            return f"{name} {int.from_bytes(self.data, 'big')}"
        if self.kind == WSCALE and len(self.data) == 1:
            return f"{name} {self.data[0]}"
        if self.kind == TIMESTAMP and len(self.data) == 8:
            value, echo = struct.unpack("!II", self.data)
            return f"{name} {value}/{echo}"
        return f"{name} {self.data.hex(' ')}" if self.data else name


Options = tuple[TcpOption, ...]


def decode(raw: bytes) -> tuple[Options, bytes]:
    """(options, rest): rest is the data after an EOL, or from a malformed option on."""
    options: list[TcpOption] = []
    at = 0
    while at < len(raw):
        kind = raw[at]
        if kind in (EOL, NOP):
            options.append(TcpOption(kind))
            at += 1
            if kind == EOL:
                break
            continue
        length = raw[at + 1] if at + 1 < len(raw) else 0
        if length < 2 or at + length > len(raw):
            break
        options.append(TcpOption(kind, raw[at + 2 : at + length]))
        at += length
    return tuple(options), raw[at:]


def encode(options: Options) -> bytes:
    return b"".join(option.encode() for option in options)


def broken(options: Options, left: bytes) -> bool:
    """Whether ``decode`` stopped at an option with an invalid length."""
    return bool(left) and not (options and options[-1].kind == EOL)


def text(options: Options) -> str:
    """Options as text; consecutive NOPs are counted."""
    parts: list[str] = []
    run = 0
    for option in (*options, None):
        if option is not None and option.kind == NOP:
            run += 1
            continue
        if run:
            parts.append("NOP" if run == 1 else f"NOP x{run}")
            run = 0
        if option is not None:
            parts.append(str(option))
    return ", ".join(parts) or "none"


def mss(value: int) -> TcpOption:
    return TcpOption(MSS, struct.pack("!H", value))


def wscale(shift: int) -> TcpOption:
    return TcpOption(WSCALE, bytes((shift,)))


def timestamp(value: int, echo: int = 0) -> TcpOption:
    return TcpOption(TIMESTAMP, struct.pack("!II", value, echo))


def client_address(address: str, port: int) -> TcpOption:
    """A TOA option, such as one forged by a client."""
    return TcpOption(toa.KIND, toa.encode(address, port)[2:])
