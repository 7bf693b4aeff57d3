"""Reads what a caller asks of a lab: JSON, checked by hand; an unknown key or value is a sentence.

The lab needs nothing but the standard library.
"""

import ipaddress
import json
import os
import re
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from softlab.lag.switch import KINDS
from softlab.simulated.versions import EMULATED, Version
from softlab.spec import (
    CARDS,
    GUEST_BUILD_LCORES,
    GUEST_CPUS,
    GUEST_LCORES,
    HOSTS,
    LINKS,
    LabSpec,
    Lcores,
    SpecError,
    build_lcores,
)


def read_spec(text: str, where: str) -> LabSpec:
    """Read a lab specification from JSON text; `where` names it in errors.

    Raises SpecError with one sentence that names the key.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise SpecError(f"{where}: not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise SpecError(f"{where}: expected a JSON object, found {type(raw).__name__}")
    known = ("device", "machine", "dpvs_version", "dpvs_home", *_READERS)
    for key in raw:
        if key not in known:
            raise SpecError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
    spec = LabSpec()
    device = raw.get("device", "simulated")
    if device not in ("simulated", "build"):
        raise SpecError(f'{where}: device: expected "simulated" or "build", found {device!r}')
    machine = raw.get("machine", "namespaces")
    if machine not in ("namespaces", "guest"):
        raise SpecError(f'{where}: machine: expected "namespaces" or "guest", found {machine!r}')
    version = raw.get("dpvs_version", spec.dpvs_version)
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
        raise SpecError(f'{where}: dpvs_version: expected such as "1.10.2", found {version!r}')
    if device == "simulated" and version not in EMULATED:
        can = ", ".join(EMULATED)
        raise SpecError(f"{where}: dpvs_version: DPVS {version} is not simulated; there are {can}")
    home = _home(raw.get("dpvs_home"), device, where)
    if home is not None:
        spec = replace(spec, lcores=build_lcores(tuple(sorted(os.sched_getaffinity(0)))))
        version = raw.get("dpvs_version") or build_version(home, where)
    if machine == "guest":
        spec = replace(spec, lcores=Lcores(*(GUEST_BUILD_LCORES if home else GUEST_LCORES)))
        if home is None and not Version(version).kni_virtio:
            raise SpecError(
                f"{where}: dpvs_version: {version} needs rte_kni.ko, which Debian has not; a "
                "virtual machine plays 1.10 and later"
            )
    readers = dict(_READERS)
    if machine == "guest" and raw.get("bonds"):
        raise SpecError(f"{where}: bonds: a virtual machine has one NIC on each link")
    if machine == "guest":
        readers["lcores"] = partial(_lcores, available=frozenset(range(GUEST_CPUS)))
    return replace(
        spec,
        device=device,
        machine=machine,
        dpvs_version=version,
        dpvs_home=home,
        **{key: read(raw[key], where) for key, read in readers.items() if key in raw},
    )


def _home(value: object, device: str, where: str) -> Path | None:
    if device == "simulated":
        if value is not None:
            raise SpecError(f'{where}: dpvs_home: goes with device "build" only')
        return None
    if not isinstance(value, str):
        raise SpecError(f'{where}: dpvs_home: device "build" needs the directory of the build')
    home = Path(value)
    if not home.is_absolute() or not home.is_dir():
        raise SpecError(f"{where}: dpvs_home: {value} is not the absolute path of a directory")
    return home.resolve()


def build_version(home: Path, where: str) -> str:
    """The version that a build says it is (`dpvs -v`). SpecError where it does not run here."""
    try:
        said = subprocess.run(
            [home / "bin/dpvs", "-v"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpecError(f"{where}: dpvs_home: {home}/bin/dpvs -v: {error}") from None
    found = re.search(r"dpvs version: (\d+)\.(\d+)-(\d+)", said.stdout + said.stderr)
    if found is None:
        words = (said.stderr or said.stdout).strip().splitlines()
        raise SpecError(
            f"{where}: dpvs_home: {home}/bin/dpvs -v does not say a version: "
            f"{words[-1] if words else f'it ended with {said.returncode}'}"
        )
    return ".".join(found.groups())


def _router(value: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise SpecError(f"{where}: router: expected an object of link to list of addresses")
    found: dict[str, tuple[str, ...]] = {}
    for link, addresses in value.items():
        _one_of(LINKS, "link", link, f"{where}: router")
        if not isinstance(addresses, list):
            raise SpecError(f"{where}: router.{link}: expected a list of addresses")
        for address in addresses:
            try:
                ipaddress.ip_interface(address)
            except ValueError:
                raise SpecError(
                    f"{where}: router.{link}: {address!r} is not an address with its prefix length"
                ) from None
        found[link] = tuple(addresses)
    return found


def _one_of(known: Sequence[str], what: str, name: object, where: str) -> None:
    if name not in known:
        raise SpecError(f"{where}: no {what} {name!r}; there are {', '.join(known)}")


def _places(value: object, where: str) -> dict[str, str]:
    where = f"{where}: places"
    if not isinstance(value, dict):
        raise SpecError(f"{where}: expected an object of host to link")
    movable = [host.name for host in HOSTS if host.link is not None]
    for name, link in value.items():
        _one_of(movable, "host", name, where)
        _one_of(LINKS, "link", link, f"{where}.{name}")
    return value


def _crafted(value: object, where: str) -> dict[str, tuple[str, ...]]:
    where = f"{where}: crafted"
    if not isinstance(value, dict):
        raise SpecError(f"{where}: expected an object of host to list of addresses")
    for name, addresses in value.items():
        _one_of([host.name for host in HOSTS if host.link is not None], "host", name, where)
        try:
            versions = [ipaddress.ip_address(address).version for address in addresses]
        except (TypeError, ValueError):
            versions = []
        if versions not in ([4], [4, 6]):
            raise SpecError(f"{where}.{name}: expected an IPv4 address, and perhaps an IPv6 one")
    return {name: tuple(addresses) for name, addresses in value.items()}


def _names(value: object, where: str) -> dict[str, str]:
    where = f"{where}: names"
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise SpecError(f"{where}: expected a link and its name, found {value!r}")
    for link in value:
        _one_of(LINKS, "link", link, where)
    return value


def _vlans(value: object, where: str) -> dict[str, int]:
    where = f"{where}: vlans"
    if not isinstance(value, dict):
        raise SpecError(f"{where}: expected an object of link to VLAN id")
    for link, vlan in value.items():
        _one_of(LINKS, "link", link, where)
        if not isinstance(vlan, int) or not 0 < vlan < 4095:
            raise SpecError(f"{where}.{link}: expected an id from 1 to 4094, found {vlan!r}")
    return value


def _bonds(value: object, where: str) -> dict[str, int]:
    where = f"{where}: bonds"
    if not isinstance(value, dict):
        raise SpecError(f"{where}: expected an object of link to mode")
    for link, mode in value.items():
        _one_of([*CARDS], "link", link, where)
        if mode not in KINDS:
            modes = ", ".join(map(str, KINDS))
            raise SpecError(f"{where}.{link}: a lab has bonds of mode {modes}, found {mode!r}")
    return value


def _lcores(value: object, where: str, available: Collection[int] | None = None) -> Lcores:
    """`available`: the CPUs of a virtual machine; without, those of this machine."""
    try:
        assert isinstance(value, dict)
        assert set(value) == {"master", "workers"}
        master, *workers = (
            (int(one["id"]), tuple(int(cpu) for cpu in one["cpus"]))
            for one in (value["master"], *value["workers"])
        )
    except (AssertionError, KeyError, TypeError, ValueError):
        raise SpecError(
            f"{where}: lcores: expected "
            '{"master": {"id": 0, "cpus": [0]}, "workers": [{"id": 1, "cpus": [1]}]}'
        ) from None
    which = "the virtual machine" if available else "this machine"
    offered = set(available or os.sched_getaffinity(0))
    for number, cpus in (master, *workers):
        missing = sorted(set(cpus) - offered)
        if missing or not cpus:
            raise SpecError(
                f"{where}: lcores: lcore {number} asks for CPUs {list(cpus)}; {which} offers "
                f"{sorted(offered)}"
            )
    return Lcores(master, tuple(workers))


def _software_ports(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise SpecError(f"{where}: software_ports: expected a name such as af_packet")
    return value


_READERS: Final[dict[str, Callable[[object, str], Any]]] = {
    "router": _router,
    "lcores": _lcores,
    "places": _places,
    "crafted": _crafted,
    "vlans": _vlans,
    "bonds": _bonds,
    "names": _names,
    "software_ports": _software_ports,
}
