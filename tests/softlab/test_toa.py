"""The TOA reader: stock nginx, told the client by an option on the packet of the handshake.

One real server is the client here: rs2 makes a connection to rs1 by hand, from an address that is
nobody's, so that every packet carries exactly the options that the test names.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.softlab.labs import ROOT, Lab

HANDSHAKE = (Path(__file__).parent / "handshake.py").read_text()
RS2_MAC = "02:00:00:01:00:22"
RS1_MAC = "02:00:00:01:00:21"
SOURCE, SOURCE6 = "192.168.229.77", "fd00:229::77"
#: Kind 254, length 8, port 62844, 172.16.0.1: the article's client.
TOA4 = "fe08f57cac100001"
#: Kind 254, length 20, port 62844, 2001:db8:172::1.
TOA6 = "fe14f57c20010db8017200000000000000000001"
CLIENT4, CLIENT6 = "172.16.0.1:62844", "2001:db8:172::1:62844"


@pytest.fixture(scope="module")
def server(lab: Lab) -> Iterator[Lab]:
    """rs1 knows the made-up addresses as rs2; no module is loaded before or after."""
    for address in (SOURCE, SOURCE6):
        lab.ssh("rs1", f"ip neigh replace {address} lladdr {RS2_MAC} dev eth1")
    yield lab
    lab.ssh("rs1", "rmmod toa 2>/dev/null; true")


@pytest.fixture
def loaded(server: Lab) -> Iterator[Lab]:
    server.ssh("rs1", "insmod /opt/toa/toa.ko")
    yield server
    server.ssh("rs1", "rmmod toa")


def ask_many(lab: Lab, *connections: tuple[str, ...], six: bool = False) -> list[str]:
    """What nginx on rs1 says about connections whose packets carry options: their peer."""
    addresses = f"{SOURCE6} fd00:229::1" if six else f"{SOURCE} 192.168.229.1"
    asked = " -- ".join(" ".join(options) for options in connections)
    said = lab.ssh("rs2", f"python3 - {addresses} {RS1_MAC} {asked}", HANDSHAKE).splitlines()
    start, own = "Your IP and port is ", SOURCE6 if six else SOURCE
    assert len(said) == len(connections)
    assert all(line.startswith(start) for line in said), said
    peers = [line.removeprefix(start) for line in said]
    return ["own" if peer.rsplit(":", 1)[0] == own else peer for peer in peers]


def ask(lab: Lab, *options: str, six: bool = False) -> str:
    return ask_many(lab, options, six=six)[0]


def test_without_the_reader_nginx_sees_the_peer(server: Lab) -> None:
    assert ask(server, f"ack={TOA4}") == "own"
    assert ask(server, f"ack={TOA6}", six=True) == "own"


def test_with_the_reader_nginx_sees_the_client(loaded: Lab) -> None:
    """nginx has been listening since the lab started: the reader needs no restart of it."""
    assert ask(loaded, f"ack={TOA4}") == CLIENT4
    assert ask(loaded, f"ack={TOA4}", f"request={TOA4}") == CLIENT4
    assert ask(loaded, f"ack={TOA6}", six=True) == CLIENT6


def test_with_the_reader_but_without_toa_nginx_sees_the_peer(loaded: Lab) -> None:
    without = [
        (),
        # toa.ko reads the packet that completes the handshake, and no other.
        (f"syn={TOA4}",),
        (f"request={TOA4}",),
        # NAT64: an IPv6 client has no place in the answer of an IPv4 socket.
        (f"ack={TOA6}",),
        # Not TOA: another kind, a wrong length, the end of options before it, cut off, no length.
        ("ack=fd08f57cac100001",),
        ("ack=fe0af57cac1000010000",),
        (f"ack=00000000{TOA4}",),
        ("ack=fe14f57cac100001",),
        (f"ack=0800{TOA4}",),
        (f"ack=08ff{TOA4}",),
    ]
    peers = ask_many(loaded, *without, (f"ack={TOA4}",))
    assert peers[:-1] == ["own"] * len(without)
    assert peers[-1] == CLIENT4, "the reader works, or this test shows nothing"


def test_toa_is_found_behind_other_options(loaded: Lab) -> None:
    before = [
        "01",
        "0101",
        "0101080a0000000100000002",
        "050a" + "00" * 8,
        # As far back as it can lie: 40 bytes of options, TOA the last 8.
        "01" * 32,
        "0101" + "050a" + "00" * 8 + "fd04abcd" + "01" * 16,
    ]
    peers = ask_many(loaded, *((f"ack={options}{TOA4}",) for options in before))
    assert peers == [CLIENT4] * len(before)


def test_the_first_of_two_options_counts(loaded: Lab) -> None:
    other = "fe081234c0a80101"
    assert ask(loaded, f"ack={TOA4}{other}") == CLIENT4


def test_other_real_servers_are_not_told(loaded: Lab) -> None:
    """Loaded on rs1 alone: a plain connection to rs2, and rs2's own nginx, stay as they are."""
    assert loaded.ssh("rs2", "lsmod | grep -c '^toa ' || true") == "0\n"
    assert "192.168.229.1:" in loaded.ssh("rs1", "curl -s http://192.168.229.2/")


def ask_a_program(lab: Lab, listening: str, says: str, *connections: str) -> list[str]:
    """What a server in nginx's place says of each connection: `says`, of socket c, peer a."""
    lab.ssh("rs1", "nginx -s quit; while ss -Hltn 'sport = :80' | grep -q .; do sleep 0.02; done")
    script = (
        f"import socket\ns={listening}\nprint('listening',flush=True)\n"
        f"for _ in range({len(connections)}):\n c,a=s.accept();c.recv(999)\n"
        f" try: t={says}\n except OSError as e: t='nobody:%d' % e.errno\n"
        " c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nYour IP and port is '+t.encode());c.close()"
    )
    try:
        lab.ssh("rs1", "cat >/tmp/program.py", script)
        lab.ssh(
            "rs1",
            # What an earlier program said is gone before this one starts.
            ": >/tmp/listening;"
            " timeout 15 python3 /tmp/program.py >/tmp/listening 2>&1 </dev/null &"
            " until grep -q listening /tmp/listening; do sleep 0.02; done",
        )
        return ask_many(lab, *((one,) for one in connections))
    finally:
        # A program that nobody asked holds the port until its time is over.
        lab.ssh("rs1", "until nginx 2>/dev/null; do sleep 0.05; done")


def test_an_ipv6_socket_is_given_an_ipv4_client_as_mapped(loaded: Lab) -> None:
    """A server with one socket for both families, and both calls that ask for the peer."""
    both = "socket.create_server(('',80),family=socket.AF_INET6,dualstack_ipv6=True)"
    says = "'%s:%s %s:%s' % (*a[:2],*c.getpeername()[:2])"
    (said,) = ask_a_program(loaded, both, says, f"ack={TOA4}")
    assert said == f"::ffff:{CLIENT4} ::ffff:{CLIENT4}"


def test_an_ipv4_socket_that_asks_is_told_an_ipv6_client(loaded: Lab) -> None:
    """getsockopt(IPPROTO_IP, 4096) answers for NAT64's option and for no other, and for room."""
    four = "socket.create_server(('',80))"
    says = (
        "(lambda p: '%s:%d' % (socket.inet_ntop(10,p[:16]),int.from_bytes(p[16:18],'big')))"
        "(c.getsockopt(0,4096,20))"
    )
    told = ask_a_program(loaded, four, says, f"ack={TOA6}", f"ack={TOA4}", "ack=01", f"ack={TOA6}")
    assert told == [CLIENT6, "nobody:92", "nobody:92", CLIENT6]
    (short,) = ask_a_program(loaded, four, says.replace("20", "19"), f"ack={TOA6}")
    assert short == "nobody:92"
    # What else is asked of a socket is the kernel's answer, as before.
    (size,) = ask_a_program(loaded, four, "'0:%d' % c.getsockopt(1,3)", f"ack={TOA6}")
    assert size == "0:1"  # SO_TYPE, SOCK_STREAM


def test_the_module_tools_say_what_kmod_says(server: Lab) -> None:
    lab = server

    def said(text: str) -> tuple[int, str, str]:
        done = lab.try_ssh("rs1", text)
        return done.returncode, done.stdout, done.stderr

    before = said("lsmod")
    assert before[1].startswith("Module                  Size  Used by\n")
    assert "toa" not in before[1]
    assert said("insmod /opt/toa/toa.ko") == (0, "", "")
    assert said("lsmod | grep '^toa '") == (0, "toa                   279641  0\n", "")
    assert said("insmod /opt/toa/toa.ko") == (
        *(1, ""),
        "insmod: ERROR: could not insert module /opt/toa/toa.ko: File exists\n",
    )
    # The article's own path, and a copy elsewhere: it is the content that counts.
    assert said(
        "/usr/sbin/rmmod toa; cp /opt/toa/toa.ko /root/; /usr/sbin/insmod /root/toa.ko"
    ) == (*(0, "", ""),)
    assert said("rmmod toa") == (0, "", "")
    assert said("rmmod toa") == (1, "", "rmmod: ERROR: Module toa is not currently loaded\n")
    assert said("lsmod") == before
    assert said("insmod /opt/toa/none.ko") == (
        *(1, ""),
        "insmod: ERROR: could not load module /opt/toa/none.ko: No such file or directory\n",
    )
    assert said("modprobe toa")[0] == 1
    place = "/lib/modules/$(uname -r)/extra"
    assert said(f"mkdir -p {place}; cp /opt/toa/toa.ko {place}; modprobe toa; modprobe toa")[0] == 0
    assert said("modprobe -r toa") == (0, "", "")
    release = lab.ssh("rs1", "uname -r").strip()
    assert said("modinfo -F vermagic toa")[1].startswith(f"{release} ")


def test_what_the_kernel_refuses_is_told_and_nothing_stays(server: Lab) -> None:
    """A damaged object: insmod fails with bpftool's words, and the next one still works."""
    damaged = (
        "head -c 2000 /opt/toa/toa.ko > /tmp/toa.ko; insmod /tmp/toa.ko; echo $?; "
        "lsmod | grep -c '^toa ' ; ls -d /sys/fs/bpf/toa"
    )
    done = server.try_ssh("rs1", damaged)
    assert done.stdout == "1\n0\n"
    assert done.stderr.startswith("insmod: ERROR: could not insert module /tmp/toa.ko: libbpf: ")
    assert len(done.stderr.splitlines()) == 2  # the other is ls, which finds nothing
    server.ssh("rs1", "insmod /opt/toa/toa.ko; rmmod toa")


@pytest.mark.skipif(
    not all(map(shutil.which, ("clang", "llvm-strip", "make")))
    or not Path("/usr/include/bpf/bpf_helpers.h").exists(),
    reason="rebuilding needs clang, llvm, make and libbpf-dev",
)
def test_the_object_in_the_repository_is_that_of_its_source(tmp_path: Path) -> None:
    """Rebuilt with clang, the programs are the same. Debug information may differ by version."""
    source = ROOT / "softlab/realserver/toa"
    for name in ("toa.bpf.c", "Makefile"):
        shutil.copy(source / name, tmp_path)
    subprocess.run(["make", "-s", "-C", str(tmp_path)], check=True)
    kept, built = sections(source / "toa.bpf.o"), sections(tmp_path / "toa.bpf.o")
    hooks = {"cgroup/getpeername4", "cgroup/getpeername6", "cgroup/getsockopt"}
    wanted = {"sockops", "license", *hooks}
    assert wanted <= set(kept)
    for name in wanted:
        assert kept[name] == built[name], f"{name}: run make in {source} and commit the object"


def sections(path: Path) -> dict[str, bytes]:
    """The sections of a little-endian 64-bit ELF file."""
    data = path.read_bytes()

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    table, size, count, names = number(40, 8), number(58, 2), number(60, 2), number(62, 2)
    headers = [table + size * index for index in range(count)]
    spans = [(number(at, 4), number(at + 24, 8), number(at + 32, 8)) for at in headers]
    strings = spans[names][1]
    return {
        data[strings + name : data.index(b"\0", strings + name)].decode(): data[at : at + length]
        for name, at, length in spans
    }
