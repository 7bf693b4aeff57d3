"""Tunnel devices of a real server: what is inside of a carrier to it reaches its own servers."""

import pytest

from tests.softlab.labs import Lab

# On rs2: a datagram inside of a carrier to rs1; its answer comes to rs2 directly, from the VIP.
SENDER = """
import socket, struct, sys
six = sys.argv[1] == "6"
family, carrier = (socket.AF_INET6, 41) if six else (socket.AF_INET, 4)
own, to, vip = ("fd00:229::2", "fd00:229::1", "fd00:229::53") if six else (
    "192.168.229.2", "192.168.229.1", "192.168.229.53")
udp = socket.socket(family, socket.SOCK_DGRAM)
udp.bind((own, 0))
udp.settimeout(5)
data = b"hello"
source, target = (socket.inet_pton(family, one) for one in (own, vip))


def summed(octets):
    total = sum(struct.unpack("!%dH" % (len(octets + b"\\0") // 2), (octets + b"\\0")[:len(octets)
                + len(octets) % 2]))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


body = struct.pack("!HHHH", udp.getsockname()[1], 8053, 8 + len(data), 0) + data
check = summed(source + target + struct.pack("!IHH", len(body), 0, 17) + body)
body = body[:6] + struct.pack("!H", check) + body[8:]
if six:
    inner = struct.pack("!IHBB", 6 << 28, len(body), 17, 64) + source + target + body
else:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, 17, 0) + source + target
    inner = head[:10] + struct.pack("!H", summed(head)) + head[12:] + body
raw = socket.socket(family, socket.SOCK_RAW, carrier)
raw.sendto(inner, (to, 0))
try:
    print(udp.recvfrom(2000)[1][0], end="")
except TimeoutError:
    print("nothing", end="")
"""
CASES = [
    (4, "ipip", "tunl0", "192.168.229.53/32"),
    (6, "ip6_tunnel", "ip6tnl0", "fd00:229::53/128"),
]


@pytest.mark.parametrize(("family", "module", "device", "vip"), CASES)
def test_what_is_in_a_tunnel_comes_out_at_the_vip(
    lab: Lab, family: int, module: str, device: str, vip: str
) -> None:
    lab.ssh(
        "rs1",
        f"set -e; modprobe {module}; ip link set {device} up; ip addr add {vip} dev {device}"
        + (" nodad" if family == 6 else ""),
    )
    try:
        assert lab.ssh("rs2", f"python3 - {family}", SENDER) == vip.split("/")[0]
        assert f"{module} " in lab.ssh("rs1", "lsmod")
    finally:
        lab.ssh("rs1", f"rmmod {module}")
    gone = f"for n in $(seq 100); do [ -e /sys/class/net/{device} ] || exit 0; sleep 0.05; done"
    lab.ssh("rs1", f"{gone}; exit 1")
    assert module not in lab.ssh("rs1", "lsmod")


def test_a_dry_run_says_what_would_be_loaded_and_loads_nothing(lab: Lab) -> None:
    said = lab.ssh("rs1", "modprobe -n -v ipip")
    assert said.startswith("insmod /lib/modules/")
    assert said.rstrip().endswith("/kernel/net/ipv4/ipip.ko")
    assert "ipip" not in lab.ssh("rs1", "lsmod; ls /sys/class/net")
