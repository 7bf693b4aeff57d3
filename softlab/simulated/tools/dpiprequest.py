"""What is asked of dpip, and its words about what cannot be."""

from __future__ import annotations

from softlab.simulated import errors
from softlab.simulated.tools.client import Device, complain
from softlab.simulated.versions import of_host


class Request:
    """The command line, taken apart."""

    def __init__(self) -> None:
        self.verbose = False
        self.stats = False
        self.family = 0
        self.interval = 0
        self.count = 0
        self.object = ""
        self.command = ""
        self.words: list[str] = []
        self.device = Device()

    def take(self, name: str) -> str:
        """The word after a keyword; Invalid when there is none."""
        if not self.words:
            complain(f"missing argument for `{name}'")
            raise Invalid
        return self.words.pop(0)


class Invalid(Exception):  # noqa: N818 - the tool's way out, the reason is printed already
    """The arguments are wrong; the reason has been printed, and at what stage it was seen."""

    def __init__(self, code: int = errors.INVAL, stage: str = "") -> None:
        super().__init__(stage)
        self.code = code
        self.stage = stage


def number(text: str) -> int:
    """A number as C's atoi takes it."""
    digits = ""
    for char in text:
        if not char.isdigit():
            break
        digits += char
    return int(digits or 0)


def usage(name: str = "") -> None:
    """Help, in words of our own."""
    version = of_host()
    complain("Usage:")
    if name == "link":
        complain("    dpip [-s] [-v] link show [ DEV | cpu | cpuN ] [ -i INTERVAL ] [ -c COUNT ]")
        complain("    dpip link set DEV { promisc | forward2kni | tc-egress | tc-ingress } on|off")
        return
    if name in ("addr", "route", "neigh", "maddr", "lldp"):
        complain(f"    dpip [-4 | -6] {name} {{ show | add | del | set | flush }} ...")
        return
    complain("    dpip [OPTIONS] OBJECT { COMMAND | help }")
    complain("Parameters:")
    complain(f"    OBJECT  := {{ {' | '.join(objects())} }}")
    complain("    COMMAND := { add | del | show (list) | set (change) | flush }")
    complain(f"Options, of {version.dpip}:")
    complain("    -v, -h, -V, -4, -6, -s, -C, -i INTERVAL, -c COUNT")


def objects() -> list[str]:
    """What the dpip of this version knows."""
    names = ["link", "addr", "route", "neigh"]
    return [*names, "maddr", "lldp"] if of_host().lldp else names
