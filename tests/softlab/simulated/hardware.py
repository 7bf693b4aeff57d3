"""The smallest hardware that can be emulated: run in a host, it answers on /run/emulated.sock.

``python3 hardware.py '{"interfaces": ["l0"], "bytes": 4096, "devices": []}'``: the NICs bound to a
DPDK driver, the bytes of hugepages on each node, the device files that can be opened.
"""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any

_ETH_P_ALL = 3


def _port(name: str, number: int) -> dict[str, Any]:
    shown = subprocess.run(["ip", "-j", "link", "show", name], capture_output=True, check=True)
    link = json.loads(shown.stdout)[0]
    return {
        "pci": f"0000:04:00.{number}",
        "mac": link["address"],
        "driver": "igb_uio",
        "numa_node": 0,
        "ifindex": link["ifindex"],
        "name": name,
        "mtu": 1500,
        "speed": 25000,
        "device": "8086:10fb",
        "up": "UP" in link["flags"],
        "carrier": "LOWER_UP" in link["flags"],
    }


def _packet_socket(name: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    link.bind((name, _ETH_P_ALL))
    return link


def _answer(has: dict[str, Any], request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    ports = [_port(name, number) for number, name in enumerate(has["interfaces"])]
    if request["op"] == "probe":
        return {"ports": ports}, [_packet_socket(name).detach() for name in has["interfaces"]]
    if request["op"] == "ports":
        return {"ports": ports}, []
    if request["op"] == "reserve_hugepages" and request["bytes_per_node"] > has["bytes"]:
        return {"error": "node 0 has not that much", "errno": "ENOMEM"}, []
    if request["op"] == "open_device" and request["path"] not in has["devices"]:
        return {"error": request["path"], "errno": "ENOENT"}, []
    return {"ok": True}, []


def _serve(has: dict[str, Any], link: socket.socket) -> None:
    with link, link.makefile("r") as lines:
        for line in lines:
            answer, fds = _answer(has, json.loads(line))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            link.sendmsg([json.dumps(answer).encode() + b"\n"], rights)
            for fd in fds:
                os.close(fd)


def main() -> None:
    has = json.loads(sys.argv[1])
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("/run/emulated.sock")
    listener.listen()
    while True:
        link, _ = listener.accept()
        threading.Thread(target=_serve, args=(has, link), daemon=True).start()


if __name__ == "__main__":
    main()
