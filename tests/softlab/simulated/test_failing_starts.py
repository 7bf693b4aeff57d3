"""A device that cannot start says what the real one said, on the terminal and in its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.simulated.bench import SOFTWARE_PORTS, Bench
from tests.softlab.simulated.hosts import until
from tests.softlab.simulated.pcaps import RECORDINGS

_ONE_PORT = "--no-pci --vdev=net_af_packet0,iface=l0"
# Far more than the configuration of the bench needs, and what is enough for its packets alone.
_PLENTY, _FEW = 4 << 30, 200 << 20


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, "1.10.2")
    try:
        yield made
    finally:
        made.close()


def _fail(machine: Bench, eal: str, conf: str = "dpvs.conf") -> str:
    """Terminal, status and the log's end of a start, as the recordings have them."""
    files = f"-c {conf} -p x.pid -x x.ipc"
    return machine.lb.run(
        f"cd {machine.folder}; dpvs {files} -- -l 0-1 --file-prefix=dpvsx {eal} > out 2>&1;"
        "status=$?; cat out; echo [exit $status]; echo ---log; tail -n 3 dpvs.log 2>&1",
        check=False,
    )


def _mapped(text: str) -> list[str]:
    """Without the names of the files, which are each machine's own."""
    text = re.sub(r"(/[\w.-]+)*/?\b(dpvs[\w.-]*|none|x)\.(conf|log|pid|ipc)\b", r"(a \3)", text)
    return [line for line in text.splitlines() if not line.startswith("EAL: Detected CPU")]


def _recording(name: str) -> list[str]:
    return _mapped((RECORDINGS / "v1.10.2" / f"{name}.txt").read_text())


def test_queues_of_no_device(machine: Bench) -> None:
    machine.write_conf(replace=("rx_queue_ids 0", "rx_queue_ids 5"))
    assert _mapped(_fail(machine, SOFTWARE_PORTS)) == _recording("fail-bad-queue-ids")


def test_more_nics_than_devices(machine: Bench) -> None:
    machine.write_conf(devices=1)
    assert _mapped(_fail(machine, SOFTWARE_PORTS)) == _recording("fail-conf-one-port-two-vdevs")


def test_fewer_nics_than_devices(machine: Bench) -> None:
    machine.write_conf()
    assert _mapped(_fail(machine, _ONE_PORT)) == _recording("fail-conf-two-ports-one-vdev")


def test_no_configuration(machine: Bench) -> None:
    assert _mapped(_fail(machine, _ONE_PORT, "none.conf")) == _recording("fail-missing-conf")


def test_no_nic(machine: Bench) -> None:
    machine.write_conf()
    assert _mapped(_fail(machine, "--no-pci")) == _recording("fail-no-ports")


def test_no_nic_bound(machine: Bench) -> None:
    machine.play((), _PLENTY)
    machine.write_conf()
    assert _mapped(_fail(machine, "")) == _recording("fail-no-ports")


def test_no_hugepages(machine: Bench) -> None:
    machine.play(("l0", "w0"), 0)
    machine.write_conf()
    assert _mapped(_fail(machine, "")) == _recording("fail-no-hugepages")


def test_few_hugepages(machine: Bench) -> None:
    machine.play(("l0", "w0"), _FEW)
    machine.write_conf()
    assert _mapped(_fail(machine, "")) == _recording("fail-few-hugepages")


def test_kni_without_vhost_net(machine: Bench) -> None:
    machine.play(("l0", "w0"), _PLENTY)
    machine.write_conf(kni="on")
    printed = _mapped(_fail(machine, ""))
    log = _mapped((machine.folder / "dpvs.log").read_text())
    recorded = _mapped((RECORDINGS / "v1.10.2/kni-on-without-vhost-net.txt").read_text())
    terminal, tail = "--- stdout", "--- log tail"
    expected = recorded[recorded.index(terminal) + 1 : recorded.index(tail)]
    expected = [line.replace("/dpvs/mp_socket", "/dpvsx/mp_socket") for line in expected]
    assert printed[: printed.index("[exit 1]")] == expected
    assert log[-15:] == recorded[recorded.index(tail) + 1 :]


def test_running_already(machine: Bench) -> None:
    machine.start()
    for_both = f"-c {machine.folder}/dpvs.conf"
    assert machine.lb.recorded(f"dpvs {for_both}").splitlines()[1:] == [
        "dpvs is already running",
        "[exit 1]",
    ]


def test_emulated_hardware(machine: Bench) -> None:
    """With NICs of its own the device shows them as the PCI ports they are."""
    machine.play(("l0", "w0"), _PLENTY)
    machine.start()
    assert " UP 25000 Mbps full-duplex" in machine.lb.run("dpip link show dpdk0")
    machine.switch.run("ip link set lb down")
    assert " DOWN 25000 Mbps " in machine.lb.run("dpip link show dpdk0")
    assert "net_ixgbe" in machine.lb.run("dpip -v link show dpdk0")
    log = machine.log.read_text()
    assert ">> dpdk0: link up - speed 25000 Mbps - full-duplex" in log


def test_cable_that_comes_late(machine: Bench) -> None:
    """The device waits for each link before it answers."""
    machine.play(("l0", "w0"), _PLENTY)
    machine.switch.run("ip link set lb down")
    machine.launch()
    until("dpvs waits", lambda: machine.log.exists() and "be patient" in machine.log.read_text())
    assert "link up" not in machine.log.read_text().replace("link up, be patient", "")
    machine.switch.run("ip link set lb up")
    until("dpvs answers", lambda: "dpdk1" in machine.lb.run("dpip link show", check=False))
    assert ">> dpdk0: link up" in machine.log.read_text()
