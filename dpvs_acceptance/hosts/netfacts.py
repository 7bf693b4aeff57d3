"""Parsers for the network sections of a snapshot.

Pure; strict: no line is skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .facts import FactError, records

_IFF_UP = 1
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


@dataclass(frozen=True, slots=True)
class NetDevice:
    """An interface in /sys/class/net.

    pci: its PCI function, None for a software interface. up: set up, with or without a carrier.
    speed: Mbit/s, None if the driver does not report it or the link is down. carrier: None while
    the interface is down. firmware: from `ethtool -i`, empty if not reported.
    """

    name: str
    mac: str
    ifindex: int
    mtu: int
    up: bool
    carrier: bool | None = None
    speed: int | None = None
    duplex: str | None = None
    driver: str | None = None
    pci: str | None = None
    master: str | None = None
    lowers: tuple[str, ...] = ()
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A peer of a program on the host, and the interface of the route to it."""

    address: str
    interface: str
    program: str


@dataclass(frozen=True, slots=True)
class SshSession:
    """How we came in: the client's address, the host's own, the interfaces of the way back.

    routes: none where the host does not say. carriers: where the client is the host itself, what
    the program that ssh came from talks to (a reverse tunnel, a jump, a proxy).
    """

    client: IPv4Address | IPv6Address
    server: IPv4Address | IPv6Address
    routes: tuple[str, ...] = ()
    carriers: tuple[Carrier, ...] = ()


@dataclass(frozen=True, slots=True)
class PciDevice:
    """A network device on the PCI bus. `vendor` and `device`: four hex digits.

    numa_node: None if the firmware does not report it. interfaces: its kernel interfaces, none with
    a DPDK driver. physical_function: of a virtual function, its physical function.
    """

    address: str
    class_code: int
    vendor: str
    device: str
    numa_node: int | None
    driver: str | None
    iommu_group: int | None
    interfaces: tuple[str, ...]
    physical_function: str | None = None

    @property
    def model(self) -> str:
        """As printed by `lspci -n`: `8086:10fb`."""
        return f"{self.vendor}:{self.device}"


def net_devices(text: str) -> dict[str, NetDevice]:
    """Section `net devices`, by name."""
    found = {}
    for name, attributes in records("net devices", text, "device"):
        values = dict(attributes)
        speed = _number("net devices", values.get("speed", "-1"))
        addresses = _PCI.findall(values.get("path", "")) or _PCI.findall(values.get("link", ""))
        found[name] = NetDevice(
            name=name,
            mac=values.get("address", ""),
            ifindex=_number("net devices", values.get("ifindex", "")),
            mtu=_number("net devices", values.get("mtu", "")),
            up=bool(int(values.get("flags", "0"), 16) & _IFF_UP),
            carrier={"1": True, "0": False}.get(values.get("carrier", "")),
            speed=speed if 0 < speed < 0xFFFFFFFF else None,
            duplex=values.get("duplex"),
            driver=values.get("driver"),
            pci=addresses[-1] if addresses else None,
            master=values.get("master"),
            lowers=tuple(value for key, value in attributes if key == "lower"),
            firmware=values.get("firmware", "").strip(),
        )
    return found


def ssh_session(text: str) -> SshSession:
    """Section `ssh session`."""
    lines = [line.split(" ", 1) for line in text.splitlines() if " " in line]
    values = dict(lines)
    try:
        return SshSession(
            # A link-local address includes its interface: `fe80::1%eth0`.
            client=ip_address(values["client"].partition("%")[0]),
            server=ip_address(values["server"].partition("%")[0]),
            routes=tuple(dict.fromkeys(value for key, value in lines if key == "route")),
            carriers=tuple(Carrier(*value.split(" ", 2)) for key, value in lines if key == "by"),
        )
    except (KeyError, ValueError, TypeError) as exc:
        raise FactError("ssh session", text, f"`client`, `server`, `route` ({exc})") from exc


def pci_devices(text: str) -> dict[str, PciDevice]:
    """Section `pci net`, by PCI address."""
    found = {}
    for address, attributes in records("pci net", text, "device"):
        if not _PCI.fullmatch(address):
            raise FactError("pci net", address, "a PCI address such as 0000:04:00.0")
        values = dict(attributes)
        try:
            node = int(values.get("numa_node", "-1"))
            group = values.get("iommu_group")
            found[address] = PciDevice(
                address=address,
                class_code=int(values["class"], 16),
                vendor=f"{int(values['vendor'], 16):04x}",
                device=f"{int(values['device'], 16):04x}",
                numa_node=node if node >= 0 else None,
                driver=values.get("driver"),
                iommu_group=None if group is None else int(group),
                interfaces=tuple(value for key, value in attributes if key == "interface"),
                physical_function=values.get("physfn"),
            )
        except (KeyError, ValueError) as exc:
            raise FactError("pci net", f"{address} {values}", f"a PCI device ({exc})") from exc
    return found


def _number(section: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise FactError(section, text, "a number") from None
