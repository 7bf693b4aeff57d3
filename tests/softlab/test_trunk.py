"""A trunk: the device's frames need the VLAN's tag, and frames for it get that tag."""

import subprocess
import sys

from tests.softlab.labs import ROOT

# In a process of its own, as it leaves its namespaces for good. A frame's payload is its name.
_SCRIPT = """
import socket, struct, subprocess
from softlab import kernel, trunk

kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWNS)
kernel.propagation(kernel.MS_PRIVATE)
for line in ("link add sw type bridge", "link add port type veth peer name dut",
             "link add access type veth peer name host", "link set port master sw",
             "link set access master sw", *(f"link set {one} up" for one in
             ("sw", "port", "dut", "access", "host"))):
    subprocess.run(["ip", *line.split()], check=True)
trunk.make("port", 229)


def opened(name):
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    one.bind((name, 0))
    one.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA: where a tag is told
    one.settimeout(5)
    return one


def until_last(one):
    seen = []
    while not seen or seen[-1][0] != "last":
        frame, told, _, _ = one.recvmsg(2000, 100)
        if frame[12:14] == b"\\x88\\xb5":
            told = struct.unpack("IIIHHHH", told[0][2])
            seen.append((frame[14:].rstrip(b"\\0").decode(), told[5] if told[0] & 16 else 0))
    return seen


def frame(name, vlan=None):
    tag = b"" if vlan is None else b"\\x81\\x00" + vlan.to_bytes(2, "big")
    return b"\\xff" * 6 + b"\\x02\\0\\0\\0\\0\\1" + tag + b"\\x88\\xb5" + name + bytes(50)


dut, host = opened("dut"), opened("host")
dut.send(frame(b"untagged"))
dut.send(frame(b"another", 230))
dut.send(frame(b"ours", 229))
dut.send(frame(b"last", 229))
print(until_last(host))
host.send(frame(b"last"))
print([one for one in until_last(dut) if one[0] == "last" and one[1]])
"""


def test_a_trunk_passes_one_vlan_and_tags_what_goes_to_the_device() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[('ours', 0), ('last', 0)]", "[('last', 229)]"]
