"""The two address families: one table of what differs between an IPv4 and an IPv6 check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """version: 4 or 6. dpip: the tool with the option that selects the family's tables."""

    version: int
    dpip: str

    @property
    def name(self) -> str:
        """`IPv4` or `IPv6`."""
        return f"IPv{self.version}"

    def __str__(self) -> str:
        return self.name


FAMILIES = {4: Family(4, "dpip"), 6: Family(6, "dpip -6")}
