"""Arguments of `ipvsadm` for a service.

As in DPVS's scripts/setup.fnat.two-arm.sample.sh. ``which`` names a service:
``("-t", "VIP:PORT")``.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

Words = tuple[str, ...]

# Options of `-a` for the forwarding modes.
MODE_OPTIONS = {"fullnat": "-b", "nat": "-m", "dr": "-g", "tunnel": "-i"}


def end(address: IPv4Address | IPv6Address, port: object) -> str:
    """`address:port`, IPv6 in brackets."""
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def which(protocol: str, vip: IPv4Address | IPv6Address, port: object) -> Words:
    """Arguments that name a service: ``-t`` or ``-u``."""
    return f"-{protocol[0]}", end(vip, port)


def service(which: Iterable[str], scheduler: str, *options: str) -> Words:
    """`-A`: the service itself."""
    return "-A", *which, "-s", scheduler, *options


def real_server(
    verb: Literal["-a", "-e"],
    which: Iterable[str],
    server: str,
    weight: int,
    forwarding: str = "fullnat",
) -> Words:
    """`-a` adds a real server to a service, `-e` changes its weight."""
    return verb, *which, "-r", server, MODE_OPTIONS[forwarding], "-w", str(weight)


def local_address(which: Iterable[str], lip: object, device: str) -> Words:
    """`--add-laddr`: a LIP of the service; also adds the address to the device."""
    return "--add-laddr", "-z", str(lip), *which, "-F", device


def line(words: Iterable[str]) -> str:
    """The command as text; no argument contains a space."""
    return " ".join(("ipvsadm", *words))
