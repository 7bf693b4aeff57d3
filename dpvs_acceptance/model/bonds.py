"""Bonds of a bench: several NICs of the DUT that DPVS uses as one port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from dpvs_acceptance.model.declared import Declared, Name
from dpvs_acceptance.model.loading import Key, KeyedError
from dpvs_acceptance.model.nics import Nic

MODES = {
    0: "balance-rr",
    1: "active-backup",
    2: "balance-xor",
    3: "broadcast",
    4: "802.3ad",
    5: "balance-tlb",
    6: "balance-alb",
}
"""DPDK's modes of a bond, with the names that Linux gives them."""
ACTIVE_BACKUP, BROADCAST, LACP = 1, 3, 4
MOST_MEMBERS = 32  # NETIF_MAX_BOND_SLAVES


_Command = Annotated[str, Field(pattern=r"^[ -~]*\{nic\}[ -~]*$", max_length=500)]


class Cable(Declared):
    """Commands on the DUT that act on the switch's port of a member; `{nic}` is the NIC's name.

    A silent cable has carrier and loses every frame. `restore` undoes both, also where there is
    nothing to undo.
    """

    unplug: _Command
    silence: _Command
    restore: _Command


def _mode(value: object) -> object:
    if type(value) is not int or value not in MODES:
        raise ValueError(f"{value} is no mode of a bond: expected one of {_modes()}")
    return value


class Bond(Declared):
    """Several NICs as one port of DPVS. The topology sees its link only, as of any port.

    `members` and `primary` name NICs of the bench by their PCI address or vdev.
    """

    name: Annotated[str, Field(pattern=r"^bond[0-9]{1,2}$")]
    link: Name
    mode: Annotated[int, BeforeValidator(_mode)] = Field(
        description="; ".join(f"{n} {name}" for n, name in MODES.items())
    )
    members: tuple[str, ...]
    primary: str | None = Field(default=None, description="None: the first member")
    dedicated_queues: bool | None = Field(
        default=None,
        description="of mode 4: LACP has queues of its own on each member; None: DPVS's default",
    )
    numa_node: int | None = Field(default=None, description="None: the primary member's")
    cable: Cable | None = Field(
        default=None, description="None: no check takes a member away while traffic runs"
    )

    @model_validator(mode="after")
    def _is_a_bond(self) -> Bond:
        if len(self.members) < 2:
            raise KeyedError(("members",), f"{self.name} needs two members or more")
        if len(self.members) > MOST_MEMBERS:
            raise KeyedError(("members",), f"DPVS takes no more than {MOST_MEMBERS} members")
        for at, member in enumerate(self.members):
            if member in self.members[:at]:
                raise KeyedError(("members", at), f"{member} is a member of {self.name} already")
        if self.primary is not None and self.primary not in self.members:
            raise KeyedError(
                ("primary",),
                f"{self.primary} is no member of {self.name}: {', '.join(self.members)}",
            )
        if self.dedicated_queues is not None and self.mode != LACP:
            raise KeyedError(
                ("dedicated_queues",), f"only mode {LACP} ({MODES[LACP]}) has dedicated queues"
            )
        return self

    @property
    def first(self) -> str:
        """The primary member, whose MAC the bond has."""
        return self.primary or self.members[0]


def address(nic: Nic) -> str:
    """By what a bond names a NIC: its PCI address, or its vdev."""
    return nic.pci or nic.vdev or ""


def check(nics: Sequence[Nic], bonds: Sequence[Bond]) -> None:
    """Cross-checks of bonds and NICs; KeyedError with the key in `dut`."""
    known = {address(nic): nic for nic in nics}
    taken: dict[str, str] = {}
    for index, bond in enumerate(bonds):
        if bond.name in taken.values():
            raise KeyedError(("bonds", index, "name"), f"{bond.name} is used twice")
        for at, member in enumerate(bond.members):
            key: Key = ("bonds", index, "members", at)
            if member not in known:
                raise KeyedError(key, f"no NIC of dut.nics has the PCI address or vdev {member}")
            if member in taken:
                raise KeyedError(key, f"{member} is a member of {taken[member]} already")
            for link in _links(known[member]):
                raise KeyedError(
                    key, f"{member} is on link {link!r} itself: a member has no link, the bond has"
                )
            taken[member] = bond.name
    links: dict[str, str] = {}
    ports: list[tuple[str, Sequence[Nic | Bond]]] = [("nics", nics), ("bonds", bonds)]
    for section, declared in ports:
        for index, one in enumerate(declared):
            for link in _links(one):
                if link in links:
                    raise KeyedError(
                        (section, index, "link" if link == one.link else "links"),
                        f"{links[link]} and {one.name} are both on link {link!r}: "
                        "NICs that are one port are members of a bond (dut.bonds)",
                    )
                links[link] = one.name


def _links(port: Nic | Bond) -> tuple[str, ...]:
    further = () if isinstance(port, Bond) else port.links
    return further if port.link is None else (port.link, *further)


def _modes() -> str:
    return ", ".join(f"{number} ({name})" for number, name in MODES.items())
