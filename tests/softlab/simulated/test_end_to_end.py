"""The device in a host of its own, between a real client and real servers."""

from __future__ import annotations

from tests.softlab.simulated.bench import Bench
from tests.softlab.simulated.hosts import until


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


def test_saved_and_restored(bench: Bench) -> None:
    """What -S prints, -R takes; the local addresses are not part of it."""
    saved = bench.lb.run("ipvsadm -Sn")
    assert "-a -t 10.0.0.100:80 -r 192.168.100.2:80 -b -w 1" in saved
    bench.lb.run("ipvsadm -Sn > /run/saved; ipvsadm -C")
    assert "10.0.0.100" not in bench.lb.run("ipvsadm -ln")
    bench.lb.run("ipvsadm -R < /run/saved")
    assert bench.lb.run("ipvsadm -Sn") == saved
    assert "192.168.100.200" not in bench.lb.run("ipvsadm -G")
    bench.lb.run("ipvsadm --add-laddr -z 192.168.100.200 -t 10.0.0.100:80 -F dpdk0", check=False)


def test_counters_cleared(bench: Bench) -> None:
    bench.client.run("curl -sS -m 5 http://10.0.0.100/")
    line = "TCP  10.0.0.100:80                       0        0        0        0        0\n"
    assert line not in bench.lb.run("ipvsadm -ln --stats")
    assert bench.lb.recorded("ipvsadm -Z").endswith("[exit 0]\n")
    assert line in bench.lb.run("ipvsadm -ln --stats")


def test_a_server_without_b(bench: Bench) -> None:
    """Forgotten -b: the tool means direct routing, the list shows it, and nothing gets through."""
    service = "-t 10.0.0.100:81"
    bench.lb.run(f"ipvsadm -A {service} -s rr; ipvsadm -a {service} -r 192.168.100.2:80")
    assert "  -> 192.168.100.2:80             Route   1" in bench.lb.run("ipvsadm -ln")
    assert "timed out" in bench.client.run("curl -sS -m 1 http://10.0.0.100:81/", check=False)
    bench.lb.run(f"ipvsadm -D {service}")


def test_sigterm(bench: Bench) -> None:
    """The device ends within a second, and leaves its files where they are."""
    pid = bench.lb.run("pgrep -x dpvs").split()[0]
    bench.lb.run(f"kill {pid}")
    until("the end", lambda: not bench.lb.run("pgrep -x dpvs", check=False), seconds=1)
    assert "dpvs.pid" in bench.lb.run("ls /var/run")
    assert "connection error: Connection refused" in bench.lb.run("dpip link show", check=False)
