"""Addresses and prefixes on dpip's command line (tools/dpip/utils.c)."""

from __future__ import annotations

import socket

from softlab.simulated.tools.client import complain
from softlab.simulated.tools.dpiprequest import Invalid, number


def address(text: str, family: int) -> bytes:
    """Network-order bytes; family 4 or 6 admits only that one, 0 either."""
    kinds = {4: (socket.AF_INET,), 6: (socket.AF_INET6,)}.get(
        family, (socket.AF_INET, socket.AF_INET6)
    )
    for kind in kinds:
        try:
            return socket.inet_pton(kind, text)
        except OSError:
            continue
    name = {4: "inet", 6: "inet6"}.get(family, "unspec")
    complain(f"invalid ipaddress: {name} {text}")
    raise Invalid


def family_of(addr: bytes) -> int:
    """4 or 6."""
    return 4 if len(addr) == 4 else 6


def prefix(text: str, family: int) -> tuple[bytes, int]:
    """(address, prefix length) of ADDR[/PLEN]; a full-length prefix when none is given."""
    addr_text, _, plen_text = text.partition("/")
    addr = address(addr_text, family)
    plen = number(plen_text) if plen_text else 0
    return addr, plen or len(addr) * 8


def text_of(addr: bytes) -> str:
    """The address as it is printed."""
    return socket.inet_ntop(socket.AF_INET if len(addr) == 4 else socket.AF_INET6, addr)


def family_name(addr: bytes) -> str:
    """``inet`` or ``inet6``."""
    return "inet" if len(addr) == 4 else "inet6"
