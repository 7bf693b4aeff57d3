"""Ping, crafted TCP, curl and UDP against a real kernel and real servers."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dpvs_acceptance.traffic import frames, http, tcpoptions, udp
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.errors import NotSeen, TrafficError
from dpvs_acceptance.traffic.flows import Flows
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.station import Station
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN, CraftedTcp, Reset
from dpvs_acceptance.traffic.views import IcmpView, TcpView

from .conftest import RunResult, Wire

GET = b"GET / HTTP/1.1\r\nHost: rs\r\n\r\n"


@pytest.fixture(scope="module")
def flows() -> Flows:
    return Flows()


# -- ping


@pytest.mark.parametrize("target", ["10.77.0.2", "fd77::2"])
def test_ping_of_a_kernel_has_no_problem(left: Station, right: Station, target: str) -> None:
    result = ping(left, target, mac=right.mac, count=20, gap_ms=1)
    assert result.problems == []
    assert (result.sent, result.received, len(result.rtts)) == (20, 20, 20)
    assert all(0 < rtt < 0.5 for rtt in result.rtts)
    assert result.ttls == {64}
    assert str(result).startswith(f"{target}: 20 of 20 answered, rtt 0.")


def test_ping_of_nobody_loses_everything_and_says_so(left: Station, right: Station) -> None:
    result = ping(left, "10.77.0.77", mac=right.mac, count=3, gap_ms=1, deadline=0.2)
    assert result.lost == (1, 2, 3)
    assert "lost 3 of 3: 1, 2, 3" in result.problems


def test_a_reply_from_another_mac_is_named(left: Station, right: Station) -> None:
    result = ping(left, "10.77.0.2", mac=right.mac, expected_mac="02:00:00:00:00:99", count=1)
    assert result.problems == [
        "wrong mac: expected 02:00:00:00:00:99, seen 02:00:00:77:00:02 on reply 1"
    ]


def test_doubled_and_broken_replies_are_named(
    left: Station, right: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that answers twice, the second time with a wrong checksum: played by the right
    station, which the left one pings at an address its kernel does not have."""
    target = "10.77.0.66"
    with right.proxy_arp(target), right.capture([Match(dst=target, icmp_type=8)]) as far:
        original = left.exchange

        def exchange(capture, out, until, **how):  # type: ignore[no-untyped-def]
            """The left station sends, the right answers, then the left one waits."""
            left.send(out)
            asked = far.wait_next(Match(icmp_type=8), len(out)).frames
            for frame in asked:
                right.send(replies_to(frame.data))
            return original(capture, [], until, **how)

        def replies_to(request: bytes) -> list[bytes]:
            view = dissect(request)
            assert isinstance(view, IcmpView)
            ends = frames.Ends(right.mac, left.mac, target, "10.77.0.1")
            s = frames.scapy()
            echo = s.ICMP(type=0, id=view.identifier, seq=view.sequence)
            good = bytes(frames.network(ends) / echo / s.Raw(view.payload))
            bad = good[:36] + bytes((good[36] ^ 0xFF,)) + good[37:]
            return [good, bad] if view.sequence == 2 else [good]

        monkeypatch.setattr(left, "exchange", exchange)
        result = ping(left, target, mac=right.mac, count=3, gap_ms=0)
    assert result.duplicates == {2: 1}
    assert result.received == 3
    assert len(result.wrong_checksum) == 1
    assert result.problems[0] == "request 2 was answered 2 times"
    assert "wrong checksum: " in result.problems[1]


# -- the crafted TCP client


@pytest.mark.parametrize("end", [("10.77.0.50", "10.77.0.2"), ("fd77::50", "fd77::2")])
def test_a_crafted_client_talks_to_a_real_server(
    left: Station, right: Station, server: Wire, flows: Flows, end: tuple[str, str]
) -> None:
    source = SocketAddress(end[0], flows.next().port)
    forged = tcpoptions.client_address("203.0.113.7", 4242)
    with CraftedTcp(left, source, SocketAddress(end[1], 80), right.mac) as client:
        syn_ack = client.connect(ack_options=(forged,))
        assert syn_ack.mss == (1460 if syn_ack.version == 4 else 1440)
        response = client.request(GET, options=(forged,))
        client.close()
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    body = response.partition(b"\r\n\r\n")[2].decode()
    assert http.client_seen(body) == source
    sent = [v for v in map(dissect, client.capture.frames) if v.frame.outgoing]
    assert all(isinstance(v, TcpView) and v.checksum == "correct" for v in sent)
    assert [v.flags for v in sent if isinstance(v, TcpView)][:3] == ["S", "A", "PA"]
    with_forged = [v.toa() for v in sent if isinstance(v, TcpView)]
    assert [toa is not None for toa in with_forged][:3] == [False, True, True]
    assert with_forged[1] is not None
    assert (with_forged[1].address, with_forged[1].port) == ("203.0.113.7", 4242)
    # the whole connection passed with no segment sent again, by either side
    seqs = [
        (v.frame.outgoing, v.seq, v.ack, v.flags, len(v.payload))
        for v in map(dissect, client.capture.frames)
        if isinstance(v, TcpView)
    ]
    assert len(seqs) == len(set(seqs))


def test_a_closed_port_is_a_reset_and_silence_is_silence(
    left: Station, right: Station, flows: Flows
) -> None:
    source = SocketAddress("10.77.0.51", flows.next().port)
    with (
        CraftedTcp(left, source, SocketAddress("10.77.0.2", 81), right.mac) as client,
        pytest.raises(Reset, match=r"10.77.0.2:81 reset the connection: .*\[RA\]"),
    ):
        client.connect()
    with (
        CraftedTcp(
            left, source, SocketAddress("10.77.0.78", 80), right.mac, deadline=0.1
        ) as client,
        pytest.raises(NotSeen, match=r"expected the SYN-ACK within 0.1 s, received.*\n  nothing"),
    ):
        client.connect()


def test_options_are_sent_exactly_as_given(left: Station, right: Station, flows: Flows) -> None:
    full = (*LINUX_SYN, tcpoptions.client_address("2001:db8::1", 7))  # 40 bytes, data offset 15
    ends = frames.Ends(left.mac, right.mac, "10.77.0.52", "10.77.0.2")
    frame = frames.tcp(ends, flows.next().port, 79, "S", options=full)
    with right.capture() as far:
        left.send([frame])
        (seen,) = far.expect(Match(src="10.77.0.52"))
    view = dissect(seen)
    assert isinstance(view, TcpView)
    assert view.options == full
    assert view.data_offset == 15
    assert view.checksum == "correct"


def test_a_server_that_closes_first_gets_the_clients_fin_too(
    left: Station, right: Station, server: Wire, flows: Flows
) -> None:
    source = SocketAddress("10.77.0.50", flows.next().port)
    with CraftedTcp(left, source, SocketAddress("10.77.0.2", 80), right.mac) as client:
        client.connect()
        client.request(b"GET / HTTP/1.0\r\n\r\n", until=lambda _: False)
        assert client.ended
        client.close()
        # Without it the server would wait for a minute (FIN-WAIT-2).
        give_up = time.monotonic() + 2
        while (seen := _at_server(server, source.port)) != ["TIME-WAIT"]:
            assert time.monotonic() < give_up, f"the server's end is {seen}"


def _at_server(server: Wire, port: int) -> list[str]:
    """States of the connections from this port."""
    return [line.split()[0] for line in server.right.ok(f"ss -Htan dport = {port}").splitlines()]


# -- curl


@pytest.mark.parametrize("url", ["http://10.77.0.2/", "http://[fd77::2]/"])
def test_curl_tells_its_own_end_and_the_server_sees_it(server: Wire, url: str) -> None:
    (answer,) = http.curl_many(server.left, url, 1)
    assert (answer.status, answer.exit, answer.error) == (200, 0, "")
    assert answer.local == http.client_seen(answer.body)
    assert 0 < answer.seconds < 1


def test_curl_from_given_ports_each_on_a_connection_of_its_own(server: Wire, flows: Flows) -> None:
    many = http.curl_many, [flows.port_range() for _ in range(5)]
    burst = http.curl_burst, [flows.port_range() for _ in range(50)]
    for curl, port_ranges in (many, burst):
        answers = curl(server.left, "http://10.77.0.2/", len(port_ranges), source_ports=port_ranges)
        ends = [(http.client_seen(a.body), a.local) for a in answers]
        assert all(seen == said for seen, said in ends)
        assert all(
            seen.port in port_range for (seen, _), port_range in zip(ends, port_ranges, strict=True)
        )


def test_a_port_that_somebody_else_has_is_stepped_over(server: Wire, flows: Flows) -> None:
    port_range = flows.port_range()
    holder = server.left.open(
        f"exec {sys.executable} -c 'import socket,sys;"
        f' s=socket.create_server(("",{port_range[0]}));'
        " print(flush=True); sys.stdin.read()'"
    )
    assert holder.stdout.readline() == b"\n", holder.stderr_text()
    for curl in (http.curl_many, http.curl_burst):
        (answer,) = curl(server.left, "http://10.77.0.2/", 1, source_ports=[port_range])
        assert answer.local
        assert answer.local.port in port_range[1:]
    holder.close()


def test_an_old_curl_makes_a_burst_from_its_kernels_ports(
    server: Wire, flows: Flows, tmp_path: Path
) -> None:
    """CentOS 7 has 7.29, which refuses `--next`: one section for all, with the same options."""
    old = tmp_path / "curl"
    old.write_text(
        "#!/bin/sh\nfor one; do case $one in --next) exit 2;; esac; done\n"
        f'tee {tmp_path}/config | exec {shutil.which("curl")} "$@"\n'
    )
    old.chmod(0o755)

    class Old:
        name = "old"

        def run(self, command: str, **rest: Any) -> RunResult:
            return server.left.run(f"PATH={tmp_path}:$PATH; {command}", **rest)

    port_ranges = [flows.port_range() for _ in range(5)]
    answers = http.curl_burst(Old(), "http://10.77.0.2/", 5, source_ports=port_ranges)
    assert [answer.status for answer in answers] == [200] * 5
    assert len({answer.local for answer in answers}) == 5
    lines = (tmp_path / "config").read_text().splitlines()
    assert [line for line in lines if "next" in line or "local-port" in line] == []
    assert sum("header" in line for line in lines) == 1


def test_a_burst_from_given_ports_leaves_nothing_at_the_server(server: Wire, flows: Flows) -> None:
    """A device started anew has its source ports again: it would be kept out for a minute."""
    port_ranges = [flows.port_range() for _ in range(10)]
    answers = http.curl_burst(server.left, "http://10.77.0.2/", 10, source_ports=port_ranges)
    states = {s for one in answers if one.local for s in _at_server(server, one.local.port)}
    assert "TIME-WAIT" not in states, states


def test_a_burst_is_as_many_connections_as_requests(server: Wire) -> None:
    answers = http.curl_burst(server.left, "http://10.77.0.2/", 50)
    assert all(a.local == http.client_seen(a.body) for a in answers)
    assert len({a.local for a in answers}) == 50


def test_failed_requests_are_answers_with_curls_own_words(server: Wire) -> None:
    (refused,) = http.curl_many(server.left, "http://10.77.0.2:81/", 1)
    assert (refused.status, refused.exit, refused.local) == (0, 7, None)
    assert "81" in refused.error
    assert str(refused).startswith("no answer: curl: (7)")
    (late,) = http.curl_many(server.left, "http://10.77.0.2/silent", 1, max_time=0.2)
    assert (late.status, late.exit) == (0, 28)
    assert late.local
    burst = http.curl_burst(server.left, "http://10.77.0.2:81/", 3)
    assert [a.exit for a in burst] == [7, 7, 7]


def test_many_failures_are_not_waited_for(server: Wire) -> None:
    """A dead device costs a few deadlines, not one for each request."""
    answers = http.curl_many(server.left, "http://10.77.0.2:81/", 10)
    assert [a.exit for a in answers] == [7] * 3 + [http.NOT_TRIED] * 7
    assert str(answers[-1]) == "no answer: given up after 3 failures in a row"
    answers = http.curl_burst(server.left, "http://10.77.0.2/silent", 10, max_time=0.2, seconds=0.5)
    assert [a.exit for a in answers[:2]] == [28, 28]
    assert answers[-1].error == "given up after 0.5 s in total"


def test_a_host_without_curl_is_no_finding_about_the_device(server: Wire) -> None:
    class Bare:
        name = "bare"

        def run(self, command: str, **_: object) -> object:
            return server.left.run("PATH=/nowhere; " + command)

    with pytest.raises(TrafficError, match=r"bare: .*exit 127, no curl in PATH"):
        http.curl_many(Bare(), "http://10.77.0.2/", 1)  # type: ignore[arg-type]


def test_what_an_rs_says_is_read_strictly() -> None:
    assert http.client_seen("Your IP and port is 172.16.0.1:62844\n") == SocketAddress(
        "172.16.0.1", 62844
    )
    assert http.client_seen("Your IP and port is 2001:db8::1:40000\n") == SocketAddress(
        "2001:db8::1", 40000
    )
    for strange in ("", "Your IP and port is :80", "Your IP and port is 1.2.3:4", "<html>"):
        with pytest.raises(AssertionError, match="expected 'Your IP and port is"):
            http.client_seen(strange)


# -- UDP


@pytest.mark.parametrize("target", ["10.77.0.2", "fd77::2"])
def test_datagrams_are_answered_with_the_local_end(
    left: Station, server: Wire, target: str
) -> None:
    result = udp.exchange(left, SocketAddress(target, 8053), [b"one", b"two", b"three"])
    assert result.answered == 3
    for reply in result.replies:
        assert reply
        answer = udp.echo_answer(reply.payload)
        assert (answer.peer, answer.uoa) == (result.local, None)
        assert reply.source == SocketAddress(target, 8053)
        assert reply.seconds is not None
        assert 0 < reply.seconds < 1


def test_a_datagram_without_reply_is_none_and_the_next_is_not_held_up(
    left: Station, server: Wire, flows: Flows
) -> None:
    port_range = flows.port_range()
    result = udp.exchange(
        left,
        SocketAddress("10.77.0.2", 8053),
        [b"silence", b"two"],
        source_ports=port_range,
        seconds=0.2,
    )
    assert result.local == SocketAddress("10.77.0.1", port_range[0])
    assert result.replies[0] is None
    assert result.replies[1] is not None
    burst = udp.exchange(
        left, SocketAddress("10.77.0.2", 8053), [b"x"] * 10, source_ports=port_range, burst=True
    )
    assert burst.answered == 10


def test_a_udp_port_that_somebody_else_has_is_stepped_over(
    left: Station, server: Wire, flows: Flows
) -> None:
    port_range, peer = flows.port_range(), SocketAddress("10.77.0.2", 8053)
    holder = server.left.open(
        f"exec {sys.executable} -c 'import socket,sys; s=socket.socket(type=socket.SOCK_DGRAM);"
        f' s.bind(("",{port_range[0]})); print(flush=True); sys.stdin.read()\''
    )
    assert holder.stdout.readline() == b"\n", holder.stderr_text()
    result = udp.exchange(left, peer, [b"one"], source_ports=port_range)
    assert (result.answered, result.local.port) == (1, port_range[1])
    with pytest.raises(TrafficError, match="Address already in use"):
        udp.exchange(left, peer, [b"one"], source_ports=port_range[:1])
    holder.close()


def test_a_strange_echo_is_quoted() -> None:
    assert udp.echo_answer(
        b'{"peer": ["10.0.0.1", 5], "uoa": ["2001:DB8::1", 6]}'
    ).uoa == SocketAddress("2001:db8::1", 6)
    with pytest.raises(AssertionError, match=r"seen b'hello'"):
        udp.echo_answer(b"hello")
