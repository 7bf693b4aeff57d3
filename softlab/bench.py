"""The bench file of a lab: the only thing that the lab hands to those who use it."""

import json
from pathlib import Path
from typing import Any, Final

from softlab import hugepages, softports
from softlab.guest.recipe import KMOD
from softlab.lag.cables import COMMANDS
from softlab.simulated.versions import Version
from softlab.spec import CARDS, GUEST_HUGEPAGES, LabSpec, Nic
from softlab.ssh import SSH_CONFIG

BENCH: Final = "bench.yaml"
#: The article's section 1.2.1, without the group of compilers.
PACKAGES: Final = (
    *("patch", "numactl", "numactl-devel", "kernel-devel", "kernel-headers", "openssl-devel"),
    *("popt", "popt-devel", "libpcap-devel", "libnl3", "libnl3-devel"),
)
#: Seconds that changes may take on a virtual machine without KVM, on a busy machine.
GUEST_LIMITS: Final = {"hugepages": 120, "modules": 120, "bindings": 300, "start": 240, "other": 60}
#: The same, as far as a virtual machine's Debian needs them.
GUEST_PACKAGES: Final = ("patch", "numactl", "linux-headers-amd64", "dpdk-kmods-dkms", "kmod")
#: Keys of the additional addresses from which a host's station sends crafted packets.
_CRAFTED: Final = ("crafted_address", "crafted_address6")
#: The simulated DUT's DPVS_HOME.
SIMULATED_HOME: Final = Path("/opt/dpvs")


def bench(spec: LabSpec) -> dict[str, Any]:
    """The bench of a lab as plain values."""
    return {
        "name": "softlab" if spec.machine == "namespaces" else "vmlab",
        "kind": "simulation" if spec.device == "simulated" else "software lab",
        "ssh_config": SSH_CONFIG,
        **({"time_limits": dict(GUEST_LIMITS)} if spec.machine == "guest" else {}),
        "dut": {
            "host": "lb01",
            "dpvs": _dpvs(spec),
            "lcores": spec.lcores.as_json(),
            "numa_nodes": sorted({nic.numa_node for nic in spec.nics}),
            **_memory(spec),
            "packages": _packages(spec),
            "nics": [
                {
                    "name": nic.name,
                    "mac": nic.mac,
                    "link": None if spec.bonded(nic) else spec.named(nic.link),
                    "speed": nic.speed,
                    "numa_node": nic.numa_node,
                    **_binding(nic, number, spec),
                }
                for number, nic in enumerate(spec.nics)
            ],
            **_legs(spec),
            "bonds": _bonds(spec),
        },
        "clients": {
            host.name: {
                "host": host.name,
                "interface": "eth1",
                "link": spec.named(host.link),
                **dict(zip(_CRAFTED, spec.crafted.get(host.name, ()), strict=False)),
            }
            for host in spec.hosts
            if host.role == "client"
        },
        "real_servers": {
            host.name: {
                "host": host.name,
                "interface": "eth1",
                **dict(zip(_CRAFTED, spec.crafted.get(host.name, ()), strict=False)),
                "toa": {"module": "/opt/toa/toa.ko", "name": "toa"},
                "uoa": {"module": "/opt/toa/uoa.ko", "name": "uoa"},
            }
            for host in spec.hosts
            if host.role == "real server"
        },
    }


def _packages(spec: LabSpec) -> list[str]:
    if spec.machine == "guest":
        return list(GUEST_PACKAGES)
    return list(PACKAGES) if spec.device == "simulated" else []


def _legs(spec: LabSpec) -> dict[str, Any]:
    """Interfaces of the DUT that DPVS leaves to the kernel."""
    found = [{"interface": leg.name, "link": spec.named(leg.link)} for leg in spec.legs]
    return {"legs": found} if found else {}


def _bonds(spec: LabSpec) -> list[dict[str, Any]]:
    """The bonds of the DUT, as its NICs are named; and how a member's cable is taken away."""
    names = {
        nic.name: nic.pci or _binding(nic, number, spec)["vdev"]
        for number, nic in enumerate(spec.nics)
    }
    return [
        {
            "name": f"bond{number}",
            "link": spec.named(link),
            "mode": mode,
            "members": [names[nic] for nic in CARDS[link]],
            "cable": {word: f"cable {word} {{nic}}" for word in COMMANDS},
        }
        for number, (link, mode) in enumerate(spec.bonds.items())
    ]


def _memory(spec: LabSpec) -> dict[str, Any]:
    """How many hugepages there are, where the machine's real memory has to do."""
    if spec.machine == "guest":
        return {"hugepages_per_node": GUEST_HUGEPAGES}
    return {"hugepages_per_node": hugepages.PAGES} if spec.device == "build" else {}


def _binding(nic: Nic, number: int, spec: LabSpec) -> dict[str, Any]:
    """How DPDK gets at a NIC: by its PCI address, or as a software port over the veth."""
    if spec.software:
        kind = spec.software_ports
        return {
            "vdev": f"net_{kind}{number}",
            "vdev_arguments": softports.KINDS[kind].arguments(nic),
        }
    return {
        "pci": nic.pci,
        "kernel_driver": nic.kernel_driver,
        "dpdk_driver": "igb_uio"
        if spec.machine == "guest"
        else Version(spec.dpvs_version).dpdk_driver,
        "model": nic.model,
    }


def _dpvs(spec: LabSpec) -> dict[str, Any]:
    if spec.device == "build":
        found = {"home": str(spec.dpvs_home), "version": spec.dpvs_version}
        if spec.machine == "guest":
            found |= {"devbind": "/usr/bin/dpdk-devbind.py", "modules_dir": KMOD}
        return found
    dpdk = SIMULATED_HOME / "dpdk"
    return {
        "home": str(SIMULATED_HOME),
        "version": spec.dpvs_version,
        "dpvs_source": str(SIMULATED_HOME / "src"),
        "dpdk_source": str(dpdk),
        "devbind": str(dpdk / "usertools/dpdk-devbind.py"),
        "modules_dir": str(dpdk / "kmod"),
    }


def as_yaml(value: Any, indent: int = 0) -> str:
    """YAML text of plain values: block mappings, and JSON (which YAML contains) for the rest."""
    pad = "  " * indent
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and any(isinstance(one, dict) for one in inner.values()):
            lines.append(f"{pad}{key}:\n{as_yaml(inner, indent + 1)}")
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            lines.append(f"{pad}{key}:\n")
            lines.extend(f"{pad}  - {json.dumps(one)}\n" for one in inner)
        else:
            lines.append(f"{pad}{key}: {json.dumps(inner)}\n")
    return "".join(lines)


def write(directory: Path, spec: LabSpec) -> Path:
    """Write the bench file of a lab into its directory."""
    path = directory / BENCH
    path.write_text("# Written by softlab for one run.\n" + as_yaml(bench(spec)))
    return path
