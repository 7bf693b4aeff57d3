"""The hosts as ssh finds them: each a machine of its own, with the links and nothing else."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from softlab.bench import bench
from softlab.spec import HOSTS, LabSpec
from tests.softlab.labs import Lab

NAMES = [host.name for host in HOSTS]


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_a_machine_of_its_own(lab: Lab, name: str) -> None:
    said = lab.ssh(name, "hostname; cat /etc/hostname; echo $PATH; id -u; cat /proc/1/stat; pwd")
    lines = said.splitlines()
    assert lines[:4] == [
        name,
        name,
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "0",
    ]
    assert lines[5] == "/root"
    # Its own processes only: few, and all of them children of its own init.
    assert int(lab.ssh(name, "ls -d /proc/[0-9]* | wc -l")) < 25


def test_a_session_starts_with_every_signal_as_usual(lab: Lab) -> None:
    """A program that inherits an ignored SIGTERM cannot be stopped.

    Signals 32 and 33 are the C library's own: what this run inherited of them nobody can put right.
    """
    ignored = int(lab.ssh("lb01", "grep SigIgn /proc/self/status").split()[1], 16)
    assert ignored & ~(3 << 31) == 0, f"ignored from the start: {ignored:#x}"


def test_what_is_written_on_a_host_is_on_that_host_only(lab: Lab) -> None:
    mark = "/etc/softlab-test-mark"
    lab.ssh("rs1", f"echo here > {mark}; touch /dev/mark /tmp/mark /run/mark")
    assert lab.ssh("rs1", f"cat {mark}") == "here\n"
    assert lab.try_ssh("rs2", f"cat {mark}").returncode != 0
    for path in (mark, "/dev/mark", "/tmp/mark", "/run/mark"):
        assert not Path(path).exists()


def test_python_of_a_host_needs_nothing_of_the_machine_s_environment(lab: Lab) -> None:
    said = lab.ssh(
        "client1", "python3 -c 'import sys, ssl, ctypes, json; print(sys.version_info[:2])'"
    )
    assert said.startswith("(3, ")
    assert lab.ssh(
        "client1", "PYTHONPATH=/opt python3 -c 'import softlab; print(softlab.__path__)'"
    )
    assert lab.try_ssh("client1", "touch /opt/softlab/x").returncode != 0


def test_a_terminal_and_device_nodes(lab: Lab) -> None:
    """A terminal (`ssh -t`), and the nodes that programs expect."""
    said = lab.ssh(
        "lb01", "script -qc tty /dev/null; head -c3 /dev/urandom | wc -c; echo > /dev/null"
    )
    assert said.replace("\r", "").splitlines() == ["/dev/pts/0", "3"]
    assert lab.ssh("lb01", "stat -c %F /dev/net/tun") == "character special file\n"


@pytest.mark.parametrize("name", ["client1", "client2", "rs1", "rs2"])
def test_links_are_up_without_offloads(lab: Lab, name: str) -> None:
    link = json.loads(lab.ssh(name, "ip -j link show eth1"))[0]
    assert link["operstate"] == "UP"
    assert link["address"].startswith("02:00:00:01:00:")
    features = lab.ssh(name, "ethtool -k eth1")
    for feature in (
        "rx-checksumming",
        "tx-checksumming",
        "\ttx-tcp-segmentation",
        "\ttx-tcp6-segmentation",
        "generic-segmentation-offload",
        "generic-receive-offload",
    ):
        assert re.search(rf"^{feature}: off", features, re.MULTILINE), feature


#: Runs on client1: fetches what a server on client2 sends, and looks at every frame of it.
FRAMES = """
import json, socket, struct
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
raw.bind(("eth1", 0x0800))
raw.settimeout(0.2)
one = socket.create_connection(("172.16.0.1", 8080), 5)
while one.recv(65536):
    pass
lengths, wrong = [], 0
while True:
    try:
        frame = raw.recv(70000)
    except TimeoutError:
        break
    ip = frame[14 : 14 + struct.unpack("!H", frame[16:18])[0]]
    if ip[9] != 6 or ip[12:16] != socket.inet_aton("172.16.0.1"):
        continue
    lengths.append(len(frame))
    data = ip[12:20] + struct.pack("!HH", 6, len(ip) - 20) + ip[20:]
    data += b"\\0" * (len(data) % 2)
    wrong += sum(struct.unpack("!%dH" % (len(data) // 2), data)) % 0xffff != 0
print(json.dumps({"longest": max(lengths), "frames": len(lengths), "wrong": wrong}))
"""


def test_frames_on_a_link_are_as_on_a_cable(lab: Lab) -> None:
    """A large answer: no frame above the MTU, and every checksum in it right."""
    server = (
        "import socket; s = socket.create_server(('', 8080)); print('listening', flush=True); "
        "c, _ = s.accept(); c.sendall(bytes(100000)); c.close()"
    )
    lab.ssh(
        "client2",
        f'python3 -c "{server}" >/tmp/8080 2>&1 </dev/null &'
        " until grep -q listening /tmp/8080; do sleep 0.02; done",
    )
    seen = json.loads(lab.ssh("client1", "python3 -", FRAMES))
    assert seen["frames"] > 100000 // 1500
    assert seen["longest"] == 1514
    assert seen["wrong"] == 0


def test_the_lab_itself_puts_no_data_address(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "bare")
    for name in NAMES:
        found = json.loads(lab.ssh(name, "ip -j addr"))
        addresses = {
            link["ifname"]: [one["local"] for one in link["addr_info"] if one["scope"] == "global"]
            for link in found
        }
        own = next(host.management for host in HOSTS if host.name == name)
        assert addresses.pop("eth0") == [own], name
        assert all(one == [] for one in addresses.values()), (name, addresses)
    lab.end()


def test_clients_reach_each_other_through_the_gateway(lab: Lab) -> None:
    lab.ssh("client1", "ping -c1 -W2 172.16.0.1 && ping -c1 -W2 2001:db8:172::1")
    said = lab.ssh("client2", "ping -c1 -W2 10.0.96.101; ping -c1 -W2 2001:db8:96::101")
    # One router on the way takes one off 64.
    assert said.count("ttl=63") == 2


def test_the_lan_is_reached_from_the_lan_only(lab: Lab) -> None:
    lab.ssh("rs1", "ping -c1 -W2 192.168.229.2 && ping -c1 -W2 fd00:229::2")
    assert lab.try_ssh("client1", "ping -c1 -W1 192.168.229.1").returncode != 0


def test_sshd_listens_on_the_management_link_only(lab: Lab) -> None:
    assert lab.ssh("rs1", "ss -Hltn 'sport = :22'").split()[3] == "10.255.0.21:22"


def test_twenty_channels_on_one_connection(lab: Lab) -> None:
    """What one multiplexed connection per host needs."""
    config = lab.directory / "ssh_config"
    said = lab.ssh("rs1", "cat /run/softlab/sshd_config")
    assert int(re.search(r"MaxSessions (\d+)", said)[1]) >= 20  # type: ignore[index]
    text = config.read_text()
    assert "ProxyUseFdpass yes" in text
    assert "StrictHostKeyChecking yes" in text


def test_the_ssh_of_a_dead_lab_says_so(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    config = (tmp_path / "lab/ssh_config").read_text()
    lab.end()
    (tmp_path / "lab").mkdir(exist_ok=True)
    (tmp_path / "lab/ssh_config").write_text(config)
    done = subprocess.run(
        ["ssh", "-F", str(tmp_path / "lab/ssh_config"), "rs1", "true"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 255
    assert "softlab: the lab of 10.255.0.21 is gone" in done.stderr


@pytest.mark.parametrize("version", ["1.10.2", "1.8.10"])
def test_the_bench_file_is_yaml_and_says_what_the_bench_is(version: str, lab: Lab) -> None:
    expected = bench(LabSpec(dpvs_version=version))
    if version == "1.10.2":
        assert yaml.safe_load((lab.directory / "bench.yaml").read_text()) == expected
    drivers = {nic["dpdk_driver"] for nic in expected["dut"]["nics"]}
    assert drivers == {"uio_pci_generic" if version == "1.10.2" else "igb_uio"}
    assert {nic["link"] for nic in expected["dut"]["nics"]} == {"lan", "wan", None}
