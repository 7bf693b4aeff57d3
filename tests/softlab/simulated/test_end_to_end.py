"""The device in a host of its own, between a real client and real servers."""

from __future__ import annotations

from tests.softlab.simulated.bench import Bench


def test_article(bench: Bench) -> None:
    """Ping of the VIP, then HTTP through it: both servers in turn, each seeing the LIP."""
    bench.serve()
    bench.configure()
    ping = bench.client.run("ping -c 4 -i 0.05 -W 2 10.0.0.100")
    assert " 0% packet loss" in ping, ping
    answers = [bench.client.run("curl -sS -m 5 http://10.0.0.100/") for _ in range(4)]
    assert answers == [
        f"{server}: Your ip:port : 192.168.100.200:{port}\n"
        for port in (1025, 1026)
        for server in ("rs1", "rs2")
    ]
