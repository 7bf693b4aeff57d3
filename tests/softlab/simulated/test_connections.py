"""Connections: their states, how they end, what they hold."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP

from softlab.packet import PROTO_TCP, address
from softlab.simulated import processing
from softlab.simulated.core import DataPath
from softlab.simulated.dests import ROUTE
from softlab.simulated.settings import Settings
from softlab.simulated.tcpstates import ESTABLISHED
from tests.softlab.simulated import devices, talk
from tests.softlab.simulated.talk import Talk


@pytest.fixture
def path() -> DataPath:
    made = devices.recorded()
    talk.know(made)
    return made


def _shown(path: DataPath) -> list[tuple[str, int]]:
    return [(conn.state, conn.timeout) for conn in path.connections[1].all()]


def _counts(path: DataPath) -> tuple[int, int]:
    service = path.services.get(PROTO_TCP, address(talk.VIP), 80)
    assert service
    return (
        sum(dest.actconns[1] for dest in service.dests),
        sum(dest.inactconns[1] for dest in service.dests),
    )


def test_states_of_a_whole_connection(path: DataPath) -> None:
    """As ``ipvsadm -lnc`` names them, with the timeouts of the recorded configuration."""
    conversation = Talk(path)
    (syn,) = conversation.from_client(conversation.segment("S"))
    assert _shown(path) == [("SYN_RECV", 30)]
    assert _counts(path) == (0, 1)
    (synack,) = conversation.from_server(conversation.answer(syn, "SA"))
    conversation.isn, conversation.seq = synack[TCP].seq, 1001
    conversation.from_client(conversation.segment("A"))
    assert _shown(path) == [("TCP_EST", 90)]
    assert _counts(path) == (1, 0)
    answered = conversation.answer(syn, "FA", seq=5001, ack=syn[TCP].seq + 1)
    conversation.from_server(answered)
    assert _shown(path) == [("FIN_WAIT", 7)]
    assert _counts(path) == (0, 1)
    conversation.from_client(conversation.segment("FA", ack=conversation.isn + 2))
    assert _shown(path) == [("TIME_WAIT", 7)]


def test_reset_closes(path: DataPath) -> None:
    conversation = Talk(path)
    conversation.open()
    conversation.from_client(conversation.segment("A"))
    conversation.from_client(conversation.segment("R"))
    assert _shown(path) == [("TCP_CLOSE", 3)]


def test_an_established_connection_that_times_out_is_reset(path: DataPath) -> None:
    """Both sides are told, and its port of the LIP is free again."""
    pool = path.addresses.lips[address(talk.LIP)].pools[1]
    conversation = Talk(path)
    syn = conversation.open()
    conversation.from_client(conversation.segment("A"))
    conversation.from_server(conversation.answer(syn, "PA", b"hi", seq=5001, ack=syn[TCP].seq + 1))
    assert pool.used == 1
    out = [talk.Ether(frame) for _, frame in processing.tick(path, 1.0 + 89)]
    assert out == []
    out = [talk.Ether(frame) for _, frame in processing.tick(path, 1.0 + 91)]
    assert [(p[IP].dst, str(p[TCP].flags)) for p in out] == [(talk.RS, "R"), (talk.CLIENT, "R")]
    assert len(path.connections[1]) == 0
    assert (pool.used, pool.miss) == (0, 0)
    assert _counts(path) == (0, 0)


def test_one_that_never_opened_goes_in_silence(path: DataPath) -> None:
    conversation = Talk(path)
    conversation.from_client(conversation.segment("S"))
    assert processing.tick(path, 1.0 + 31) == []
    assert len(path.connections[1]) == 0


def test_timeouts_of_the_configuration() -> None:
    changed = {**Settings().timeouts, ESTABLISHED: 5}
    path = devices.recorded(settings=Settings(timeouts=changed))
    talk.know(path)
    conversation = Talk(path)
    conversation.open()
    conversation.from_client(conversation.segment("A"))
    assert _shown(path) == [("TCP_EST", 5)]


def test_acknowledgement_of_no_connection_is_refused(path: DataPath) -> None:
    """Seen on real builds: the client's own packet comes back as a reset, hop limit 63."""
    conversation = Talk(path)
    stray = conversation.segment("PA", b"data", seq=1001, ack=77, options=[("NOP", None)] * 4)
    (got,) = conversation.from_client(stray)
    assert (got[IP].src, got[IP].dst, got[IP].ttl) == (talk.VIP, talk.CLIENT, 63)
    tcp = got[TCP]
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (80, talk.PORT, 77, 1005)
    assert (str(tcp.flags), tcp.window, len(tcp.payload)) == ("RA", 0, 0)
    assert tcp.options == [("NOP", None)] * 4


@pytest.mark.parametrize("flags", ["R", "F", "SA", "FA", "RA"])
def test_other_strays_are_ignored(path: DataPath, flags: str) -> None:
    conversation = Talk(path)
    assert conversation.from_client(conversation.segment(flags, ack=77)) == []
    assert len(path.connections[1]) == 0


def test_server_that_is_not_in_fullnat_gets_nothing(path: DataPath) -> None:
    """A server added without -b is there for direct routing, which is not emulated."""
    service = path.services.get(PROTO_TCP, address(talk.VIP), 80)
    assert service
    for dest in service.dests:
        dest.forward = ROUTE
    conversation = Talk(path)
    assert conversation.from_client(conversation.segment("S")) == []


def test_no_server_left(path: DataPath) -> None:
    service = path.services.get(PROTO_TCP, address(talk.VIP), 80)
    assert service
    for dest in list(service.dests):
        service.edit_dest(dest.addr, dest.port, 0, 0, 0)
    conversation = Talk(path)
    assert conversation.from_client(conversation.segment("S")) == []
    assert path.log == [("INFO", "IPVS", "dp_vs_schedule: no dest found.")]


def test_no_source_port_left(path: DataPath) -> None:
    """A pool that is used up counts a miss, and the connection is not made."""
    pool = path.addresses.lips[address(talk.LIP)].pools[1]
    for server in ("192.168.100.2", "192.168.100.3"):
        while pool.take(address(server), 80) is not None:
            pass
    missed = pool.miss
    conversation = Talk(path)
    assert conversation.from_client(conversation.segment("S")) == []
    assert pool.miss == missed + 1


def test_errors_about_a_connection_reach_the_client(path: DataPath) -> None:
    """An ICMP error of the server's side comes from the VIP, and quotes the client's packet."""
    conversation = Talk(path)
    syn = conversation.open()
    about = IP(src=talk.RS, dst=talk.LIP) / ICMP(type=3, code=4, nexthopmtu=1300)
    assert conversation.from_server(about / bytes(syn[IP])[:28]) == [], "TCP's header is not whole"
    (got,) = conversation.from_server(about / bytes(syn[IP])[:40])
    assert (got[IP].src, got[IP].dst) == (talk.VIP, talk.CLIENT)
    assert (got[ICMP].type, got[ICMP].code, got[ICMP].nexthopmtu) == (3, 4, 1300)
    inner = IP(bytes(got[ICMP].payload))
    assert (inner.src, inner.dst) == (talk.CLIENT, talk.VIP)
    ports = bytes(inner.payload)[:8]
    assert ports == bytes.fromhex("c3500050000003e8"), "the client's ports and sequence number"


def test_a_packet_too_big_for_the_route() -> None:
    """With DF the server is told the MTU; without it the packet leaves in parts."""
    path = devices.recorded(settings=Settings(fast_xmit=False))
    talk.know(path)
    for route in path.routes4.all():
        route.mtu = 1000
    conversation = Talk(path)
    syn = conversation.open()
    payload = b"x" * 1200
    answer = conversation.answer(syn, "PA", payload, seq=5001, ack=syn[TCP].seq + 1)
    answer[IP].flags = "DF"
    (told,) = conversation.from_server(answer)
    assert (told[ICMP].type, told[ICMP].code, told[ICMP].nexthopmtu) == (3, 4, 1000)
    answer = conversation.answer(syn, "PA", payload, seq=5001, ack=syn[TCP].seq + 1)
    frame = talk.Ether(src=talk.RS1_MAC, dst=devices.LAN_MAC) / answer
    parts = [
        talk.Ether(out)[IP] for _, out in processing.step(path, bytes(frame), devices.LAN, 1.0)
    ]
    assert [part.len <= 1000 for part in parts] == [True, True]
    assert [(part.frag, str(part.flags)) for part in parts] == [(0, "MF"), (122, "")]
    whole = b"".join(bytes(part.payload) for part in parts)
    assert whole[20:] == payload


def test_fragments_are_dropped(path: DataPath) -> None:
    conversation = Talk(path)
    part = conversation.segment("S")
    part[IP].flags = "MF"
    assert conversation.from_client(part) == []
