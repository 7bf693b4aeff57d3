"""The kernel's side of the ports: made, seen and reached as on a real device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.softlab.simulated.bench import LAN_MAC, WAN_MAC, Bench
from tests.softlab.simulated.hosts import until
from tests.softlab.simulated.pcaps import RECORDINGS


@pytest.fixture(scope="module")
def kni(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The article's service, and addresses of the kernel's own on dpdk0.kni."""
    made = Bench(tmp_path_factory.mktemp("kni"), "1.10.2")
    try:
        made.play(("l0", "w0"), 4 << 30, ("/dev/vhost-net",))
        made.start(kni="on")
        made.serve()
        made.configure()
        made.lb.run(
            "ip link set dpdk0.kni up;"
            "ip addr add 192.168.100.28/24 dev dpdk0.kni;"
            "ip addr add fd00:100::28/64 dev dpdk0.kni nodad;"
            "dpip route add 192.168.100.28/32 scope kni_host dev dpdk0;"
            "dpip -6 route add fd00:100::28/128 scope kni_host dev dpdk0"
        )
        yield made
    finally:
        made.close()


def _link(bench: Bench, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(bench.lb.run(f"ip -j link show {name}"))
    return found[0]


def test_link(kni: Bench) -> None:
    """A kni has its port's MAC, and carrier once it is up."""
    assert _link(kni, "dpdk0.kni")["address"] == LAN_MAC
    assert _link(kni, "dpdk1.kni")["address"] == WAN_MAC
    assert {"UP", "LOWER_UP"} <= set(_link(kni, "dpdk0.kni")["flags"])


def test_routes(kni: Bench) -> None:
    assert kni.lb.recorded("dpip route show") == (
        (RECORDINGS / "v1.10.2/kni-route-show.txt").read_text()
    )


@pytest.mark.parametrize("address", ["192.168.100.28", "fd00:100::28"])
def test_reached_from_the_network(kni: Bench, address: str) -> None:
    assert " 0% packet loss" in kni.rs1.run(f"ping -c 3 -i 0.05 -W 2 {address}")


@pytest.mark.parametrize("address", ["192.168.100.2", "fd00:100::3"])
def test_reaches_the_network(kni: Bench, address: str) -> None:
    assert " 0% packet loss" in kni.lb.run(f"ping -c 3 -i 0.05 -W 2 {address}")


def test_tcp_both_ways(kni: Bench) -> None:
    """Connections of the kernel's own, to a server of the network and from it."""
    answer = "rs1: Your ip:port : 192.168.100.28:"
    assert kni.lb.run("curl -sS -m 5 http://192.168.100.2/").startswith(answer)
    kni.lb.start("python3 -m http.server 8080 -d /opt/dpvs/bin", kni.folder / "http.out")
    until("a server on the kni", lambda: ":8080" in kni.lb.run("ss -ltn"))
    assert "dpip" in kni.rs1.run("curl -sS -m 5 http://192.168.100.28:8080/")


def test_service_is_not_the_kernel_s(kni: Bench) -> None:
    """The VIP is DPVS's alone: the kernel sees nothing of its packets."""
    before = _packets(kni, "dpdk1.kni")
    assert kni.client.run("curl -sS -m 5 http://10.0.0.100/").startswith("rs")
    assert " 0% packet loss" in kni.client.run("ping -c 3 -i 0.05 -W 2 10.0.0.100")
    assert _packets(kni, "dpdk1.kni") == before


def test_forward2kni(kni: Bench) -> None:
    """With forward2kni the kernel gets a copy of everything, for a capture."""
    kni.lb.run("ip link set dpdk1.kni up; dpip link set dpdk1 forward2kni on")
    assert "foward2kni" in kni.lb.run("dpip link show dpdk1")
    before = _packets(kni, "dpdk1.kni")
    assert kni.client.run("curl -sS -m 5 http://10.0.0.100/").startswith("rs")
    assert _packets(kni, "dpdk1.kni") >= before + 5
    kni.lb.run("dpip link set dpdk1 forward2kni off")


def _packets(bench: Bench, name: str) -> int:
    shown = json.loads(bench.lb.run(f"ip -j -s link show {name}"))
    return int(shown[0]["stats64"]["rx"]["packets"])
