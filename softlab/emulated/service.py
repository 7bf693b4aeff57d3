"""What may be asked of the daemon on its socket: one JSON object per line, one answer per line.

Asked by the emulated commands:
    {"op": "modules"} -> {"modules": [{"name", "size", "uses", "holders"}, ...]}
    {"op": "insmod", "modinfo": ["name=igb_uio", ...], "arguments": ["carrier=on"]} -> {}
    {"op": "modprobe", "name", "arguments"} -> {}
    {"op": "rmmod", "name", "unused": false} -> {}       "unused": as modprobe -r
    {"op": "dmesg"} -> {"lines": [...]}
Asked by DPVS; what is held is let go of when the connection ends:
    {"op": "probe"} -> {"ports": [{"pci", "mac", "driver", "numa_node", "ifindex", "name", "mtu",
                                   "speed", "device", "up", "carrier"}, ...]}
        and with it, by SCM_RIGHTS, one AF_PACKET socket per port, in the same order (PCI address)
    {"op": "ports"} -> the same without sockets, and without holding anything
    {"op": "set_promiscuous", "pci", "on"} -> {"ok": true}
    {"op": "reserve_hugepages", "bytes_per_node": N or {"0": N, ...}, "files": [PATH, ...]}
        -> {"ok": true}     "files": its files in hugetlbfs, whose pages outlive it as they do
    {"op": "open_device", "path": "/dev/vhost-net"} -> {"ok": true}
A refusal is {"error": text, "errno": name such as "EEXIST"}.
"""

import errno
import socket
from collections.abc import Callable, Mapping
from typing import Any

from softlab.emulated import modules, netns, pci
from softlab.emulated.catalogue import MODULES, Module
from softlab.emulated.machine import Machine
from softlab.emulated.state import PciDevice, RefusedError

Answer = tuple[dict[str, Any], list[socket.socket]]


class Requests:
    """Answers requests about one machine; `who` is the number of the connection that asks."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._actions: dict[str, Callable[[Mapping[str, Any], int], Answer]] = {
            "modules": self._modules,
            "insmod": self._insmod,
            "modprobe": self._modprobe,
            "rmmod": self._rmmod,
            "dmesg": self._dmesg,
            "probe": self._probe,
            "ports": self._ports,
            "set_promiscuous": self._set_promiscuous,
            "reserve_hugepages": self._reserve,
            "open_device": self._open_device,
        }

    def answer(self, request: Mapping[str, Any], who: int) -> Answer:
        """The answer and the sockets to pass with it (the caller closes them)."""
        action = self._actions.get(str(request.get("op")))
        if action is None:
            known = ", ".join(sorted(self._actions))
            return {"error": f"op {request.get('op')!r}; known are {known}", "errno": "EINVAL"}, []
        try:
            return action(request, who)
        except RefusedError as refused:
            return _refusal(refused.errno, refused.text)
        except OSError as error:
            return _refusal(error.errno or errno.EIO, str(error))
        except (KeyError, TypeError, ValueError) as error:
            return _refusal(errno.EINVAL, f"{request.get('op')}: {error!r}")

    def _modules(self, _request: Mapping[str, Any], _who: int) -> Answer:
        rows = modules.rows(self._machine.hardware)
        return {
            "modules": [
                {"name": row.name, "size": row.size, "uses": row.uses, "holders": row.holders}
                for row in rows
            ]
        }, []

    def _insmod(self, request: Mapping[str, Any], _who: int) -> Answer:
        found = dict(line.partition("=")[::2] for line in reversed(request["modinfo"]))
        if "name" not in found or "vermagic" not in found:
            raise RefusedError(errno.ENOEXEC, "not a kernel module")
        module = MODULES.get(found["name"]) or _foreign(found)
        arguments = [str(argument) for argument in request.get("arguments", ())]
        self._machine.change(
            lambda hardware: modules.load(hardware, module, found["vermagic"], arguments)
        )
        return {}, []

    def _modprobe(self, request: Mapping[str, Any], _who: int) -> Answer:
        name = str(request["name"])
        arguments = [str(argument) for argument in request.get("arguments", ())]
        self._machine.change(
            lambda hardware: modules.load_with_dependencies(hardware, name, arguments)
        )
        return {}, []

    def _rmmod(self, request: Mapping[str, Any], _who: int) -> Answer:
        name = str(request["name"])
        remove = modules.remove_with_unused if request.get("unused") else modules.remove
        self._machine.change(lambda hardware: remove(hardware, name))
        return {}, []

    def _dmesg(self, _request: Mapping[str, Any], _who: int) -> Answer:
        return {"lines": self._machine.messages()}, []

    def _probe(self, _request: Mapping[str, Any], who: int) -> Answer:
        answer, _ = self._ports({}, who)
        sockets: list[socket.socket] = []
        try:
            sockets.extend(netns.packet_socket(port["ifindex"]) for port in answer["ports"])
            self._machine.change(lambda hardware: modules.open_ports(hardware, who))
        except OSError:
            for one in sockets:
                one.close()
            raise
        return answer, sockets

    def _ports(self, _request: Mapping[str, Any], _who: int) -> Answer:
        return {"ports": [self._port(device) for device in self._devices()]}, []

    def _devices(self) -> tuple[PciDevice, ...]:
        return pci.dpdk_ports(self._machine.hardware)

    def _port(self, device: PciDevice) -> dict[str, Any]:
        interface = self._machine.port(device)
        return {
            "pci": device.address,
            "mac": interface.mac,
            "driver": device.driver,
            "numa_node": device.numa_node,
            "ifindex": interface.index,
            "name": interface.name,
            "mtu": interface.mtu,
            "up": interface.up,
            "carrier": interface.carrier,
            "speed": device.nic.speed if device.nic is not None else 0,
            "device": f"{device.model[0]:04x}:{device.model[1]:04x}",
        }

    def _set_promiscuous(self, request: Mapping[str, Any], _who: int) -> Answer:
        for device in self._devices():
            if device.address == request["pci"]:
                self._machine.set_promiscuous(device, bool(request["on"]))
                return {"ok": True}, []
        raise RefusedError(errno.ENODEV, f"{request['pci']} is not bound to a DPDK driver")

    def _reserve(self, request: Mapping[str, Any], who: int) -> Answer:
        wanted = request["bytes_per_node"]
        if isinstance(wanted, Mapping):
            per_node = {int(node): int(size) for node, size in wanted.items()}
        else:
            per_node = dict.fromkeys(self._machine.hardware.nodes, int(wanted))
        files = [str(path) for path in request.get("files", ())]
        self._machine.reserve(who, per_node, files)
        return {"ok": True}, []

    def _open_device(self, request: Mapping[str, Any], who: int) -> Answer:
        node = str(request["path"]).removeprefix("/dev/")
        self._machine.change(lambda hardware: modules.open_device(hardware, who, node))
        return {"ok": True}, []


def _refusal(number: int, text: str) -> Answer:
    return {"error": text, "errno": errno.errorcode.get(number, str(number))}, []


def _foreign(found: Mapping[str, str]) -> Module:
    """A module that this hardware knows nothing of: it is loaded, and does nothing."""
    depends = tuple(name for name in found.get("depends", "").split(",") if name)
    return Module(found["name"], None, found.get("description", ""), 16384, depends=depends)
