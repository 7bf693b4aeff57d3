"""The tools print, byte for byte, what the real ones were recorded printing.

A scenario brings the device into the state of the recordings, by the tools themselves and by real
connections, and runs each recorded command on the way. Nothing is masked but what the recording
says of its own machine: the order of connections in the device's hash table (its seed is random)
and the running kernel.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.simulated.bench import Bench
from tests.softlab.simulated.hosts import until
from tests.softlab.simulated.pcaps import RECORDINGS


def _names(text: str) -> list[str]:
    return text.split()


_FRESH = _names(
    """
    dpip-6-route-show dpip-V dpip-maddr-show dpip-link-show dpip-link-show-dpdk0 dpip-link-show-cpu
    dpip-link-show-cpu0 dpip-link-show-cpu1 dpip-v-link-show-cpu dpip-v-link-show dpip-lldp-show
    dpvs-v dpvs-help keepalived-v
    """
)
_ERRORS = _names(
    """
    err-addr-add-baddev err-addr-add-badip err-addr-add-existing err-addr-add-noargs
    err-addr-add-nodev err-addr-badcmd err-addr-del-missing err-addr-show-baddev err-badobject
    err-badopt err-dest-add-existing err-dest-add-nosvc err-dest-del-missing err-dest-edit-missing
    err-dpvs-badopt err-ipvsadm-badopt err-ipvsadm-conflict err-laddr-add-baddev
    err-laddr-add-existing err-laddr-add-noF err-laddr-del-missing err-link-set-baditem
    err-link-set-badvalue err-link-show-badcpu err-link-show-baddev err-list-missing-svc
    err-neigh-add-baddev err-neigh-del-missing err-notrunning-dpip-addr-add err-notrunning-dpip-addr
    err-notrunning-dpip-neigh err-notrunning-dpip-route err-notrunning-dpip
    err-notrunning-ipvsadm-help err-notrunning-ipvsadm-v err-notrunning-ipvsadm err-route-add-baddev
    err-route-add-existing err-route-add-nodev err-route-badcmd err-route-del-missing
    err-svc-add-existing err-svc-badaddr err-svc-badsched err-svc-del-missing err-svc-edit-missing
    """
)
_TRAFFIC = _names(
    """
    dpip-addr-show dpip-4-addr-show dpip-6-addr-show dpip-addr-show-dev-dpdk0 dpip-addr-show-s
    dpip-s-addr-show dpip-s-v-addr-show dpip-v-addr-show dpip-route-show dpip-neigh-show
    dpip-s-neigh-show neigh-show-dev ipvsadm-ln ipvsadm-ln-t ipvsadm-ln-cpu1 ipvsadm-l
    ipvsadm-Ln-stats ipvsadm-Ln-stats-exact ipvsadm-Ln-rate ipvsadm-Ln-thresholds
    ipvsadm-Ln-persistent-conn ipvsadm-G ipvsadm-G-t ipvsadm-S ipvsadm-Sn ipvsadm-B ipvsadm-W
    ipvsadm-v ipvsadm-version ipvsadm-daemon ipvsadm-ln-timeout ipvsadm-lnc ipvsadm-lc
    """
)
_CHANGES = _names(
    """
    ok-neigh-add neigh-show-static ok-neigh-del ok-addr-add-lft err-laddr-add-nosvc
    err-route-add-default-unreach route-show-after-dup-and-default ok-route-del-default ok-addr-del
    route-show-2 ok-addr-add-prefix ok-addr-add-broadcast addr-show-3 route-show-3
    link-set-allmulticast link-set-down link-set-fwd2kni link-set-lldp-down link-set-promisc
    link-set-tc dpip-s-link-show-dpdk0-i1-c2
    """
)
_SIX = _names(
    """
    v6-dpip-6-route-show v6-dpip-addr-show-s v6-dpip-neigh-show v6-ipvsadm-G v6-ipvsadm-Sn
    v6-ipvsadm-ln-stats v6-ipvsadm-ln v6-ipvsadm-lnc
    """
)
_FIGURES = 5 * 9  # characters of the columns that count, in `ipvsadm -ln --stats`
_CLIENT_PORTS = (39158, 39170, 39182, 39194, 39200, 39204)


def _recording(name: str, version: str = "v1.10.2") -> str:
    return (RECORDINGS / version / f"{name}.txt").read_text()


class Emulated:
    """What the device printed for each recorded command, in the recordings' state."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.printed: dict[str, str] = {}

    def record(self, names: list[str]) -> None:
        for name in names:
            if "-i1" in name:
                self.await_silence()
            command = _recording(name).splitlines()[0].removeprefix("$ ")
            self.printed[name] = self.bench.lb.recorded(command)

    def fetch(self, ports: tuple[int, ...], url: str = "http://10.0.0.100/") -> None:
        for port in ports:
            self.bench.client.run(f"curl -g -sS -m 5 --local-port {port} {shlex.quote(url)}")

    def await_silence(self) -> None:
        """Hosts say a few things of their own accord; a rate of 0 takes an end of that."""
        seen = [""]

        def silent() -> bool:
            seen.append(self.bench.lb.run("dpip -s link show dpdk0"))
            time.sleep(2.5)
            return seen[-1] == seen[-2]

        until("silence on dpdk0", silent, seconds=30)

    def await_ends(self, connections: int) -> None:
        """Both sides have closed, the last ACK included: the counters move no more."""
        seen = [""]

        def over() -> bool:
            seen.append(self.bench.lb.run("ipvsadm -ln --stats"))
            ended = self.bench.lb.run("ipvsadm -lnc").count("TIME_WAIT") == connections
            return ended and seen[-1] == seen[-2]

        until("all connections have ended", over)

    def forget_connections(self) -> None:
        until(
            "all connections time out",
            lambda: "tcp" not in self.bench.lb.run("ipvsadm -lnc"),
            seconds=15,
        )


@pytest.fixture(scope="module")
def emulated(bench: Bench) -> Emulated:
    """The whole scenario, once."""
    scenario = Emulated(bench)
    bench.serve()
    scenario.record(_FRESH)
    bench.configure()
    scenario.record(["ipvsadm-noargs"])
    # Four connections that are over when the recorded ones come, as the counters tell.
    scenario.fetch((39000, 39001, 39002, 39003))
    scenario.record(_ERRORS)
    scenario.forget_connections()
    scenario.fetch(_CLIENT_PORTS)
    bench.client.run("ping -c 1 -W 2 10.0.0.100")
    scenario.record(_TRAFFIC)
    scenario.record(_CHANGES)
    return scenario


@pytest.fixture(scope="module")
def emulated6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """IPv6 and NAT64 services next to the IPv4 one, four connections to each."""
    bench = Bench(tmp_path_factory.mktemp("six"), "1.10.2")
    try:
        bench.start()
        bench.serve()
        bench.configure()
        bench.configure_six()
        scenario = Emulated(bench)
        scenario.fetch((46082, 46098, 46106, 46122), "http://[2001:db8:1::100]/")
        scenario.fetch((36152, 36162, 36172, 36178), "http://[2001:db8:1::64]/")
        scenario.await_ends(8)
        scenario.record(_SIX)
        yield scenario
    finally:
        bench.close()


def _comparable(name: str, text: str) -> str:
    if name.endswith(("lnc", "ipvsadm-lc")):
        return "\n".join(sorted(text.splitlines()))
    if name == "keepalived-v":
        return re.sub(r"(?m)^Running on Linux .*$", "Running on Linux (this one)", text)
    if "-stats" in name:
        return "\n".join(_without_spare_acks(text))
    return text


def _without_spare_acks(text: str) -> Iterator[str]:
    """Whether an ACK goes alone or with a FIN is the kernels' choice, made anew each time.

    So packets and octets are compared as what octets there are beyond one bare ACK per packet.
    """
    of_client = of_server = 40
    for line in text.splitlines():
        if line.startswith("TCP"):
            of_client = 60 if "[" in line else 40
            of_server = 40 if "::64]" in line else of_client  # NAT64 has IPv4 at the RS
        row, figures = line[:-_FIGURES], line[-_FIGURES:]
        words = figures.split()
        if len(words) != 5 or not all(word.isdigit() for word in words):
            yield line
            continue
        assert figures == "".join(f" {word:>8}" for word in words), f"not in columns: {line}"
        connections, in_packets, out_packets, in_octets, out_octets = map(int, words)
        assert abs(in_packets - 6 * connections) <= 2 * connections, line
        assert abs(out_packets - 4 * connections) <= 2 * connections, line
        beyond = in_octets - of_client * in_packets, out_octets - of_server * out_packets
        yield f"{row} {connections} {beyond[0]} {beyond[1]}"


@pytest.mark.parametrize("name", [*_FRESH, "ipvsadm-noargs", *_ERRORS, *_TRAFFIC, *_CHANGES])
def test_text(emulated: Emulated, name: str) -> None:
    assert _comparable(name, emulated.printed[name]) == _comparable(name, _recording(name))


@pytest.mark.parametrize("name", _SIX)
def test_text_of_ipv6(emulated6: Emulated, name: str) -> None:
    assert _comparable(name, emulated6.printed[name]) == _comparable(name, _recording(name))


def _mapped(text: str) -> list[str]:
    """A log without the recording's files, times and pointers."""
    text = re.sub(r"/\S*/(dpvs[.\w]*\.(conf|pid|log))", r"\1", text).replace(
        "dpvs.run.conf", "dpvs.conf"
    )
    text = re.sub(r"file at .*", "file at (then)", text)
    return re.sub(r"0x5[0-9a-f]{11}", "(pointer)", text).splitlines()


def test_log(emulated: Emulated) -> None:
    """The log of a start is the recorded one, line by line."""
    recorded = _mapped(_recording("dpvs-stdout-log-full").split("----log----\n")[1])
    started = _mapped(Path(emulated.bench.log).read_text())
    last = "DSCHED: lcore 00 enter lcre_role_master loop"
    assert started[: started.index(last) + 1] == recorded[: recorded.index(last) + 1]


def test_output(emulated: Emulated) -> None:
    """What goes to the terminal before the log file is known."""
    recorded = _recording("dpvs-stdout-log-full").split("----log----\n")[0]
    recorded = recorded.replace("/dpvs/mp_socket", "/rte/mp_socket")
    printed = (emulated.bench.folder / "dpvs.out").read_text()
    expected = recorded.splitlines()[1:]
    seen = _mapped(printed)
    # The number of cpus, the pid file and the log file are this bench's own.
    own = ("EAL: Detected CPU", "DPVS: dpvs-pid-file", "CFG_FILE: log_file")
    assert [line for line in seen if not line.startswith(own)] == [
        line for line in _mapped("\n".join(expected)) if not line.startswith(own)
    ]
