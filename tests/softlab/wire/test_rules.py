"""What becomes of single frames: which a rule is about, and what it makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from softlab.wire import addresses, rule
from softlab.wire.engine import Passed, RuleError, RuleSet, check
from softlab.wire.frame import Frame
from softlab.wire.rule import Rule

CLIENT, VIP, LIP, RS = "10.0.96.101", "10.0.96.204", "192.168.229.204", "192.168.229.2"
CLIENT6, VIP6 = "2001:db8:96::101", "2001:db8:96::204"
LIP6, RS6 = "fd00:229::204", "fd00:229::2"
DUT_WAN, DUT_LAN, OTHER = "02:00:00:82:00:00", "02:00:00:04:00:00", "02:00:00:01:00:11"
PLACES: dict[str, Any] = {
    "macs": {"wan": DUT_WAN, "lan": DUT_LAN},
    "addresses": {"wan": [VIP, VIP6], "lan": [LIP, LIP6]},
    "vips": [VIP, VIP6],
    "lips": [LIP, LIP6],
    "own": ["10.0.96.28"],
    "clients": {"client1": [CLIENT, CLIENT6]},
    "servers": {"rs1": ["192.168.229.1"], "rs2": [RS, RS6]},
}
TOA = ("TOA", bytes.fromhex("c3500a006065"))


def rules(*each: dict[str, Any]) -> RuleSet:
    return RuleSet([rule.from_json(one) for one in each], addresses.from_json(PLACES))


def to_rs(payload: bytes = b"", flags: str = "PA", sport: int = 5000, **fields: Any) -> Packet:
    segment = IP(src=LIP, dst=RS, ttl=63, id=7) / TCP(sport=sport, dport=80, flags=flags, **fields)
    return Ether(src=DUT_LAN, dst=OTHER) / segment / Raw(payload)


def to_client(payload: bytes = b"x", **fields: Any) -> Packet:
    segment = IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=4000, flags="PA", **fields)
    return Ether(src=DUT_WAN, dst=OTHER) / segment / Raw(payload)


def from_client(flags: str, sport: int = 4000, **fields: Any) -> Packet:
    segment = IP(src=CLIENT, dst=VIP, id=7) / TCP(sport=sport, dport=80, flags=flags, **fields)
    return Ether(src=OTHER, dst=DUT_WAN) / segment


def from_rs(**fields: Any) -> Packet:
    segment = IP(src=RS, dst=LIP) / TCP(sport=80, dport=5000, flags="A", **fields)
    return Ether(src=OTHER, dst=DUT_LAN) / segment


def leaving(made: RuleSet, frame: Packet, now: float = 1.0, link: str = "lan") -> list[Passed]:
    return made.passed(link, bytes(frame), leaving=True, now=now)


def arriving(made: RuleSet, frame: Packet, now: float = 1.0, link: str = "wan") -> list[Passed]:
    return made.passed(link, bytes(frame), leaving=False, now=now)


def sound(raw: bytes) -> Packet:
    """The frame taken apart, its lengths and checksums proven by making them again."""
    seen, again = Ether(raw), Ether(raw)
    for layer, names in ((IP, ("chksum", "len")), (TCP, ("chksum",)), (UDP, ("chksum", "len"))):
        if layer in again:
            for name in names:
                delattr(again[layer], name)
    if ICMP in again:
        del again[ICMP].chksum
    assert bytes(Ether(bytes(again))) == raw, "a checksum or a length is wrong"
    return seen


def one(passed: list[Passed]) -> Packet:
    (only,) = passed
    return sound(only.raw)


CHANGES = (
    ("tcp.seq", "add", 1, "TCP", "seq", 11, 12),
    ("tcp.ack", "add", -1, "TCP", "ack", 11, 10),
    ("tcp.window", "halve", 1, "TCP", "window", 1000, 500),
    ("tcp.sport", "xor", 1, "TCP", "sport", 5000, 5001),
    ("tcp.urgent", "set", 9, "TCP", "urgptr", 0, 9),
    ("tcp.control", "or", 0x40, "TCP", "flags", "PA", "PAE"),
    ("ip.ttl", "add", -1, "IP", "ttl", 63, 62),
    ("ip.tos", "xor", 8, "IP", "tos", 0, 8),
    ("ip.ident", "xor", 1, "IP", "id", 7, 6),
    ("ip.fragment", "or", 0x4000, "IP", "flags", "", "DF"),
    ("ip.dst", "xor", 1, "IP", "dst", RS, "192.168.229.3"),
    ("eth.src", "set", 0x02BAD0BAD0BA, "Ether", "src", DUT_LAN, "02:ba:d0:ba:d0:ba"),
    ("payload.last", "xor", 1, "Raw", "load", b"abc", b"abb"),
    ("payload.first", "set", 0x7A, "Raw", "load", b"abc", b"zbc"),
)


@pytest.mark.parametrize(
    ("field", "op", "value", "layer", "name", "before", "after"), CHANGES, ids=lambda v: str(v)
)
def test_a_field_is_changed_and_the_checksums_are_right(
    field: str, op: str, value: int, layer: str, name: str, before: Any, after: Any
) -> None:
    frame = to_rs(b"abc", seq=11, ack=11, window=1000)
    assert frame[layer].getfieldval(name) == before
    made = rules({"do": "change", "field": field, "op": op, "value": value})
    assert one(leaving(made, frame))[layer].getfieldval(name) == after


@pytest.mark.parametrize("field", ["tcp.checksum", "ip.checksum"])
def test_a_checksum_can_be_wrong(field: str) -> None:
    made = rules({"do": "change", "field": field, "value": 0x5A})
    (out,) = leaving(made, to_rs(b"abc"))
    with pytest.raises(AssertionError, match="checksum"):
        sound(out.raw)


def test_a_wrong_checksum_is_not_made_good_by_a_change() -> None:
    frame = to_rs(b"abc", chksum=1)
    made = rules({"do": "change", "field": "tcp.seq", "op": "add"})
    (out,) = leaving(made, frame)
    assert Ether(out.raw)[TCP].seq == 1
    with pytest.raises(AssertionError, match="checksum"):
        sound(out.raw)


@pytest.mark.parametrize(
    ("do", "options", "expected"),
    [
        ("toa-off", [TOA, ("NOP", None)], []),
        ("toa-last", [TOA, ("Timestamp", (1, 2))], ["Timestamp", "TOA"]),
        ("toa-doubled", [TOA], ["TOA", "TOA"]),
        ("toa-off", [("Timestamp", (1, 2))], ["Timestamp"]),
    ],
)
def test_toa(do: str, options: list[Any], expected: list[str]) -> None:
    named = [(254 if name == "TOA" else name, value) for name, value in options]
    got = one(leaving(rules({"do": do, "leg": "dut-rs"}), to_rs(b"abc", options=named)))
    kinds = ["TOA" if kind == 254 else kind for kind, _ in got[TCP].options]
    assert [kind for kind in kinds if kind not in ("NOP", "EOL")] == expected
    assert got[Raw].load == b"abc"


def test_toa_on_the_syn_names_the_client_whose_syn_came() -> None:
    made = rules({"do": "toa-on-the-syn", "kind": "syn"})
    arriving(made, from_client("S", window=777))
    got = one(leaving(made, to_rs(b"", "S", window=777)))
    assert got[TCP].options[0] == (254, bytes.fromhex("0fa0") + bytes([10, 0, 96, 101]))


def test_sequence_numbers_stay_the_client_s_both_ways() -> None:
    made = rules({"do": "sequence-of-the-client", "kind": "tcp"})
    arriving(made, from_client("S", seq=100, window=777))
    assert one(leaving(made, to_rs(b"", "S", seq=5100, window=777)))[TCP].seq == 100
    assert one(arriving(made, from_rs(ack=101), link="lan"))[TCP].ack == 5101
    assert one(leaving(made, to_rs(b"abc", seq=5101)))[TCP].seq == 101


SELECTIONS = (
    ({"leg": "dut-rs"}, to_rs(b"a"), True),
    ({"leg": "dut-client"}, to_rs(b"a"), False),
    ({"leg": "leaving"}, to_rs(b"a"), True),
    ({"kind": "data"}, to_rs(b"a"), True),
    ({"kind": "data"}, to_rs(b"", "A"), False),
    ({"kind": "ack"}, to_rs(b"", "A"), True),
    ({"kind": "syn"}, to_rs(b"", "S"), True),
    ({"kind": "syn"}, to_rs(b"", "SA"), False),
    ({"kind": "udp"}, to_rs(b"a"), False),
    ({"family": 6}, to_rs(b"a"), False),
    ({"size": [41, 41]}, to_rs(b"a"), True),
    ({"size": [42, 1500]}, to_rs(b"a"), False),
    ({"payload": [1, 1]}, to_rs(b"a"), True),
    ({"payload": [2, 9]}, to_rs(b"a"), False),
    ({"server": "rs2"}, to_rs(b"a"), True),
    ({"server": "rs1"}, to_rs(b"a"), False),
    ({"client": "client1"}, to_client(), True),
    ({"client": "client1"}, to_rs(b"a"), False),
    ({"port": 80}, to_rs(b"a"), True),
    ({"port": 81}, to_rs(b"a"), False),
    ({"link": "lan"}, to_rs(b"a"), True),
    ({"link": "wan"}, to_rs(b"a"), False),
)


@pytest.mark.parametrize(("which", "frame", "about"), SELECTIONS, ids=lambda v: str(v)[:30])
def test_a_rule_is_about_some_frames_only(
    which: dict[str, Any], frame: Packet, about: bool
) -> None:
    passed = leaving(rules({"do": "drop", **which}), frame)
    assert [out.raw for out in passed] == ([] if about else [bytes(frame)])


LEGS = (
    (LIP6, RS6, True, "dut-rs"),
    (RS6, LIP6, False, "rs-dut"),
    (VIP6, CLIENT6, True, "dut-client"),
    (CLIENT6, VIP6, False, "client-dut"),
    ("fe80::1", CLIENT6, True, ""),
    (VIP6, "ff02::1", True, ""),
    ("10.0.96.28", CLIENT, True, ""),
    (VIP, "224.0.0.1", True, ""),
)


@pytest.mark.parametrize(("source", "target", "away", "leg"), LEGS)
def test_the_leg_of_a_frame(source: str, target: str, away: bool, leg: str) -> None:
    layer = IPv6(src=source, dst=target) if ":" in source else IP(src=source, dst=target)
    frame = Frame(bytes(Ether() / layer / UDP()))
    assert addresses.from_json(PLACES).leg(frame, leaving=away) == leg


def test_every_third_frame() -> None:
    made = rules({"do": "drop", "kind": "data", "every": 3})
    assert [len(leaving(made, to_rs(b"a"))) for _ in range(6)] == [1, 1, 0, 1, 1, 0]
    assert len(leaving(made, to_rs(b"", "A"))) == 1


def test_every_second_flow() -> None:
    made = rules({"do": "drop", "leg": "dut-rs", "flows": 2})
    kept = [port for port in range(5000, 5006) if leaving(made, to_rs(b"a", sport=port))]
    assert kept == [5000, 5002, 5004]
    assert leaving(made, to_rs(b"a", sport=5000)), "the same flow again"


def test_the_second_and_later_of_a_flow() -> None:
    made = rules({"do": "drop", "kind": "data", "position": [2, 99]})
    assert [len(leaving(made, to_rs(b"a"))) for _ in range(3)] == [1, 0, 0]
    assert leaving(made, to_rs(b"a", sport=5001)), "the first of another"


def test_flows_that_are_old_and_flows_that_paused() -> None:
    before = rules({"do": "drop", "after": 5.0})
    assert not leaving(before, to_rs(b"a"), 0.0), "a connection without its SYN was there before"
    old = rules({"do": "drop", "kind": "data", "after": 5.0})
    leaving(old, to_rs(b"", "S"), 0.0)
    assert [len(leaving(old, to_rs(b"a"), now)) for now in (0.0, 4.9, 5.0, 9.0)] == [1, 1, 0, 0]
    idle = rules({"do": "drop", "kind": "data", "idle": 3.0})
    leaving(idle, to_rs(b"", "S"), 0.0)
    assert [len(leaving(idle, to_rs(b"a"), now)) for now in (0.0, 2.0, 5.1, 5.2)] == [1, 1, 0, 1]


def test_flows_beyond_a_number_at_once() -> None:
    made = rules({"do": "drop", "leg": "dut-rs", "beyond": 2})
    opened = [bool(leaving(made, to_rs(b"", "S", sport=port))) for port in (1, 2, 3)]
    assert opened == [True, True, False]
    for port in (1, 3):
        leaving(made, to_rs(b"", "R", sport=port))
    assert leaving(made, to_rs(b"", "S", sport=4)), "one is left"


def test_what_is_delayed_goes_later_and_what_is_doubled_twice() -> None:
    frame = to_rs(b"a")
    (late,) = leaving(rules({"do": "delay", "seconds": 0.3}), frame, 1.0)
    assert (late.raw, late.at) == (bytes(frame), 1.3)
    assert [out.raw for out in leaving(rules({"do": "double"}), frame)] == [bytes(frame)] * 2


def test_answers_in_the_device_s_stead_go_back() -> None:
    (back,) = arriving(rules({"do": "reset", "leg": "client-dut"}), from_client("S", seq=9))
    got = sound(back.raw)
    assert back.leaving, "towards the client"
    assert (got[IP].src, got[IP].dst, got[TCP].dport) == (VIP, CLIENT, 4000)
    assert (str(got[TCP].flags), got[TCP].ack) == ("RA", 10)
    (back,) = arriving(rules({"do": "unreachable"}), from_client("S"))
    got = sound(back.raw)
    assert (got[ICMP].type, got[ICMP].code, got[IP].dst) == (3, 3, CLIENT)
    ping = Ether(src=OTHER, dst=DUT_WAN) / IP(src=CLIENT, dst=VIP) / ICMP(id=4, seq=2) / b"abcd"
    (back,) = arriving(rules({"do": "echo"}), ping)
    assert (sound(back.raw)[ICMP].type, sound(back.raw)[Raw].load) == (0, b"abcd")


def test_arp_is_answered_for_what_is_not_there() -> None:
    def asked(address: str, do: str, link: str = "wan") -> list[Passed]:
        request = Ether(dst="ff:ff:ff:ff:ff:ff", src=OTHER) / ARP(
            hwsrc=OTHER, psrc=CLIENT, pdst=address
        )
        return arriving(rules({"do": do, "kind": "arp-request"}), request, link=link)

    (back,) = asked("10.0.96.253", "arp-for-anything")
    assert back.leaving
    assert Ether(back.raw)[ARP].hwsrc == DUT_WAN
    assert not asked(VIP, "arp-for-anything")[0].leaving, "the DUT answers for its own"
    assert asked(VIP, "arp-on-other-links", "lan")[0].leaving
    assert not asked(VIP, "arp-on-other-links", "wan")[0].leaving


def test_arp_and_advertisements_are_on_the_leg_of_their_address() -> None:
    known = addresses.from_json(PLACES)
    for address, leg in ((VIP, "dut-client"), (LIP, "dut-rs"), ("10.0.96.28", "")):
        reply = Ether(src=DUT_WAN, dst=OTHER) / ARP(op=2, hwsrc=DUT_WAN, psrc=address, pdst=CLIENT)
        made = RuleSet([Rule("drop", leg="dut-client")], known)
        assert bool(leaving(made, reply, link="wan")) is (leg != "dut-client"), address


def test_an_ipv6_echo_reply_keeps_a_right_checksum() -> None:
    frame = (
        Ether(src=DUT_WAN, dst=OTHER)
        / IPv6(src=VIP6, dst=CLIENT6)
        / ICMPv6EchoReply(id=1, seq=2, data=b"abcd")
    )
    made = rules({"do": "change", "field": "payload.last", "kind": "echo-reply", "family": 6})
    (out,) = leaving(made, frame, link="wan")
    got = Ether(out.raw)
    assert got[ICMPv6EchoReply].data == b"abce"
    del got[ICMPv6EchoReply].cksum
    assert bytes(got) == out.raw


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Rule("lose"), "there is no 'lose'"),
        (Rule("drop", kind="tcq"), "there is no 'tcq'"),
        (Rule("change", field="tcp.sec"), "there is no 'tcp.sec'"),
        (Rule("change"), "needs one"),
        (Rule("drop", field="tcp.seq"), "goes with change"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(wrong: Rule, words: str) -> None:
    with pytest.raises(RuleError, match=words):
        check(wrong)


def test_a_rule_is_the_same_after_its_way_through_json() -> None:
    made = Rule("change", "tcp.seq", "add", 7, leg="dut-rs", size=(1, 2), position=(3, 4))
    assert rule.from_json(rule.to_json(made)) == made
