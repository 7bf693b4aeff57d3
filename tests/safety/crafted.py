"""First snapshots made up for a test: hosts of any build, as the survey would have read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from dpvs_acceptance.hosts.batch import Section
from dpvs_acceptance.hosts.snapshot import Snapshot

MACHINE_ID = "4c4c4544000000000000000000000001"


@dataclass
class Device:
    """A kernel interface: its PCI function, what it stands on, and its addresses.

    kind, over: as `ip -d link` has them.
    """

    mac: str = "02:00:00:00:00:01"
    pci: str | None = None
    lowers: tuple[str, ...] = ()
    master: str | None = None
    addresses: tuple[str, ...] = ()
    kind: str = ""
    over: str = ""


@dataclass
class Function:
    """A PCI function of a network device."""

    interfaces: tuple[str, ...] = ()
    iommu_group: int | None = None
    physical: str | None = None


@dataclass
class Machine:
    """A host. `server`: the address that ssh came in on; `route`: the way back to its client.

    session: further lines of what the host says of the session.
    """

    devices: dict[str, Device]
    functions: dict[str, Function] = field(default_factory=dict)
    server: str | None = "10.255.0.10"
    route: str | None = None
    routes: tuple[str, ...] = ()
    dpvs: tuple[int, ...] = ()
    processes: str = ""
    client: str = "10.255.0.254"
    session: str = ""
    tunnels: str = ""
    ovs: str = ""

    def snapshot(self, host: str) -> Snapshot:
        session = f"client {self.client}\nserver {self.server}\n{self.session}"
        if self.route:
            session += f"route {self.route}\n"
        texts: dict[str, str | None] = {
            "ssh session": session if self.server else None,
            "net devices": "".join(self._net_device(name) for name in self.devices),
            "ip -d link": "".join(self._details(name) for name in self.devices),
            "tunnels": self.tunnels,
            "ovs": self.ovs,
            "pci net": "".join(self._function(address) for address in self.functions),
            "ip addr": json.dumps([self._addresses(name) for name in self.devices]),
            "ip -4 route": json.dumps([_route(r) for r in self.routes if ":" not in r]),
            "ip -6 route": json.dumps([_route(r) for r in self.routes if ":" in r]),
            "machine_id": f"{MACHINE_ID}\n",
            "dpvs process": "".join(_process(pid) for pid in self.dpvs),
            "processes": self.processes,
        }
        return Snapshot(host, "2026-01-01T00:00:00Z", _sections(texts))

    def _net_device(self, name: str) -> str:
        device = self.devices[name]
        index = list(self.devices).index(name) + 1
        lines = [f"device {name}", f" address {device.mac}", f" ifindex {index}", " mtu 1500"]
        lines += [f" lower {lower}" for lower in device.lowers]
        lines += [f" master {device.master}"] if device.master else []
        lines += [f" path /sys/devices/pci0000:00/{device.pci}"] if device.pci else []
        return "\n".join([*lines, ""])

    def _details(self, name: str) -> str:
        device = self.devices[name]
        index = list(self.devices).index(name) + 1
        over = f"@{device.over}" if device.over else ""
        kind = f" \\    {device.kind} " if device.kind else " "
        return (
            f"{index}: {name}{over}: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue \\    "
            f"link/ether {device.mac} brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535"
            f"{kind}numtxqueues 1 numrxqueues 1\n"
        )

    def _function(self, address: str) -> str:
        function = self.functions[address]
        lines = [f"device {address}", " class 0x020000", " vendor 0x8086", " device 0x10fb"]
        lines += [f" interface {name}" for name in function.interfaces]
        if function.iommu_group is not None:
            lines.append(f" iommu_group {function.iommu_group}")
        lines += [f" physfn {function.physical}"] if function.physical else []
        return "\n".join([*lines, ""])

    def _addresses(self, name: str) -> dict[str, object]:
        infos = []
        for text in self.devices[name].addresses:
            address, _, length = text.partition("/")
            version = ip_address(address).version
            infos.append(
                {
                    "family": "inet" if version == 4 else "inet6",
                    "local": address,
                    "prefixlen": int(length),
                    "scope": "global",
                }
            )
        return {"ifname": name, "addr_info": infos}


def _route(text: str) -> dict[str, object]:
    """`default via 10.0.0.1 dev eth0`."""
    destination, *words = text.split()
    values = dict(zip(words[::2], words[1::2], strict=True))
    return {"dst": destination, "gateway": values["via"], "dev": values["dev"], "flags": []}


def _process(pid: int) -> str:
    return (
        f"process {pid}\n comm dpvs\n ppid 1\n started 100\n exe /opt/dpvs/bin/dpvs\n"
        " argument dpvs\n limit Max open files            1024                 4096      files\n"
    )


def _sections(texts: Mapping[str, str | None]) -> dict[str, Section]:
    return {
        name: Section(
            command=name,
            exit_status=0 if text is not None else 1,
            stdout=text or "",
            stderr="" if text is not None else f"no {name} in this session",
            seconds=0.0,
            note="",
        )
        for name, text in texts.items()
    }
