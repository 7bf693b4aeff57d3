"""Bonds of ports, as DPDK's net_bonding has them: modes 0, 1 and 4, which the lab has switches for.

A bond is a port of its own, by whose index the data path sends and receives; here it is decided by
which member a frame goes, and which members' frames count.
"""

from __future__ import annotations

from zlib import crc32

from softlab.lacp import SLOW_PROTOCOLS, Aggregate
from softlab.simulated import quirks
from softlab.simulated.ports import SPEED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from softlab.simulated.ports import Port

ROUND_ROBIN, ACTIVE_BACKUP, LACP = 0, 1, 4
MODES = (ROUND_ROBIN, ACTIVE_BACKUP, LACP)
POLICIES = {"LAYER2": (0, 12), "LAYER23": (0, 34), "LAYER34": (26, 38)}
"""Name to the octets of a frame that choose its member."""


class Bond:
    """One bond, with its members in the order of dpvs.conf."""

    def __init__(
        self,
        port: Port,
        members: list[Port],
        mode: int,
        primary: Port,
        wrong: Callable[[str], bool],
    ) -> None:
        """wrong: whether the device has a quirk."""
        self.port = port
        self.members = members
        self.mode = mode
        self.primary = self.current = primary
        self.policy = "LAYER2"
        self.monitor_ms = 10
        self.down_ms = 0
        self.up_ms = 0
        self.active = list(members)
        self._wrong = wrong
        self._changing: dict[int, tuple[bool, float]] = {}
        self._looked = 0.0
        self._turn = 0
        # DPDK asks its partner for no short timeout.
        links = [(number, member.hardware) for number, member in enumerate(members)]
        self.lacp = Aggregate(port.hardware, links, short=False) if mode == LACP else None

    # -- links -----------------------------------------------------------------------------------

    def look(self, carriers: Mapping[int, bool], now: float) -> None:
        """Take in which members have carrier, as often as links are monitored."""
        if now - self._looked < self.monitor_ms / 1000:
            return
        self._looked = now
        for number, member in enumerate(self.members):
            up = member.up = carriers[member.index]
            if up == (member in self.active):
                self._changing.pop(number, None)
                continue
            _, since = self._changing.setdefault(number, (up, now))
            if now - since >= (self.up_ms if up else self.down_ms) / 1000:
                del self._changing[number]
                self._changed(number, up=up)

    def _changed(self, number: int, *, up: bool) -> None:
        member = self.members[number]
        if up:
            self.active = [one for one in self.members if one in self.active or one is member]
        elif not self._wrong(quirks.BOND_STAYS):
            self.active.remove(member)
        if self.lacp is not None:
            self.lacp.set_up(number, up=up)
        self.choose()

    def choose(self) -> None:
        """The member that is used in active-backup: the primary while it is active."""
        self.current = self.primary
        if self.primary not in self.active and self.active:
            self.current = self.active[0]
        self.port.up = bool(self.active)
        speeds = [member.speed for member in self.active] or [SPEED]
        self.port.speed = self.current.speed if self.mode == ACTIVE_BACKUP else sum(speeds)

    # -- frames ----------------------------------------------------------------------------------

    def received(self, index: int, frame: bytes, now: float) -> bool:
        """A frame came by the member of this index; whether it is one of the bond's."""
        number, member = next((n, one) for n, one in enumerate(self.members) if one.index == index)
        member.ipackets += 1
        member.ibytes += len(frame)
        if self.lacp is not None:
            if frame[12:14] == SLOW_PROTOCOLS:
                self.lacp.received(number, frame, now)
                return False
            return self.lacp.carries(number, now)
        return self.mode != ACTIVE_BACKUP or member is self.current

    def leave(self, frame: bytes, now: float) -> Port | None:
        """The member by which a frame leaves; None: there is none, and it is lost."""
        if self.mode == ACTIVE_BACKUP:
            member = self.current if self.active else None
        else:
            usable = self._usable(now)
            member = usable[self._spread(frame, usable)] if usable else None
        if member is None:
            self.port.oerrors += 1
        else:
            member.opackets += 1
            member.obytes += len(frame)
        return member

    def _usable(self, now: float) -> list[Port]:
        if self.lacp is None or self._wrong(quirks.LACP_UNHEARD):
            return self.active
        carrying = (n for n in range(len(self.members)) if self.lacp.carries(n, now))
        return [self.members[n] for n in carrying if self.members[n] in self.active]

    def _spread(self, frame: bytes, usable: list[Port]) -> int:
        if self._wrong(quirks.BOND_ONE):
            return 0
        if self.mode == ROUND_ROBIN:
            self._turn += 1
            return self._turn % len(usable)
        first, last = POLICIES[self.policy]
        return crc32(frame[first:last]) % len(usable)

    def tick(self, now: float) -> list[tuple[int, bytes]]:
        """What the bond sends by itself, by its members: LACP."""
        if self.lacp is None or self._wrong(quirks.LACP_MUTE):
            return []
        out: list[tuple[int, bytes]] = []
        for number, frame in self.lacp.due(now):
            member = self.members[number]
            member.opackets += 1
            member.obytes += len(frame)
            out.append((member.index, frame))
        return out

    # -- what the control plane says and sets ------------------------------------------------------

    def status(self) -> dict[str, object]:
        """As ``dpip link show BOND status`` has it."""
        return {
            "mode": self.mode,
            "hardware": self.port.hardware,
            "policy": self.policy,
            "monitor": self.monitor_ms,
            "down": self.down_ms,
            "up": self.up_ms,
            "active": len(self.active),
            "members": [
                {
                    "name": member.name,
                    "hardware": member.hardware,
                    "active": member in self.active,
                    "primary": member is self.primary,
                }
                for member in self.members
            ],
        }

    def set(self, item: str, value: str) -> bool:
        """Set as ``dpip link set BOND bond-ITEM VALUE`` asks; False where it cannot be."""
        if item == "primary":
            found = [member for member in self.members if member.name == value]
            if not found:
                return False
            self.primary = found[0]
            self.port.hardware = self.primary.hardware
            self.choose()
        elif item == "xmit-policy":
            self.policy = value.upper()
        elif item == "monitor-interval":
            self.monitor_ms = int(value)
        elif item == "link-down-prop":
            self.down_ms = int(value)
        elif item == "link-up-prop":
            self.up_ms = int(value)
        else:
            return False
        return True
