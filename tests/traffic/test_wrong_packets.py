"""What is said of packets that are not as they must be."""

from __future__ import annotations

from dpvs_acceptance.traffic.differences import FieldDifference
from dpvs_acceptance.traffic.verify import WrongPacket, in_words

LENGTH = FieldDifference("ip_length", "40", "52")
TTL = FieldDifference("ttl", "63", "64")


def test_the_first_line_names_the_cause_and_counts_the_fields() -> None:
    findings = [WrongPacket("SYN", (LENGTH, TTL)), WrongPacket("ACK", (TTL,))]
    assert in_words(findings, "DR").splitlines() == [
        "not as expected of DR: ttl: expected 63, seen 64 (fields: ip_length in 1 packets, ttl in "
        "2 packets)",
        "SYN",
        "    ip_length: expected 40, seen 52",
        "    ttl: expected 63, seen 64",
        "ACK",
        "    ttl: expected 63, seen 64",
    ]


def test_a_length_alone_is_the_cause() -> None:
    said = in_words([WrongPacket("SYN", (LENGTH,))])
    assert said.startswith("not as expected of FullNAT: ip_length: expected 40, seen 52 (fields: ")


def test_without_a_field_the_packet_is_the_cause() -> None:
    assert in_words([WrongPacket("SYN", ())]) == "not as expected of FullNAT: SYN (fields: )\nSYN"
