"""ICMP errors about packets of a connection: from either side, translated to the other (FWD-22)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpvs_acceptance.testbed import AddedService, Crafted, Service, services
from dpvs_acceptance.traffic import icmperrors
from dpvs_acceptance.traffic.craftedend import CraftedEnd
from dpvs_acceptance.traffic.differences import differences
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.expected import Expected
from dpvs_acceptance.traffic.match import ICMP, ICMPV6, Match
from dpvs_acceptance.traffic.twoends import TwoEnds
from dpvs_acceptance.traffic.views import IcmpView, TcpView, describe
from dpvs_acceptance.verdict.causes import Inconclusive, NotTested
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]


@requirement("EDG-08", "FWD-22")
@requirement("S36.N03", nat64=True)
def test_an_error_from_the_real_servers_side_gets_to_the_client(
    crafted: Crafted, service: Service
) -> None:
    """Steps: forward a request; then send each kind of ICMP error about it from the RS's side.

    Verify: each arrives at the client, from the VIP, and quotes the client's own packet: addresses,
    ports and sequence number are the client's; every field is compared.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        about = ends.to_rs("PA", b"request" * 4)
        sent = _send_each(ends.server, about)
        came = _received(ends, ends.client, len(sent))
    _require_any_of_nat64(added, came)
    _, connection = crafted.conversation(added, ends)
    for kind, view in zip(icmperrors.KINDS[about.version], sent, strict=True):
        wanted = icmperrors.icmp_at_client(view, connection)
        _require(kind.words, wanted, [one for one in came if _same_kind(one, view)])


@requirement("EDG-09", "FWD-22")
@requirement("S36.N03", nat64=True)
def test_an_error_from_the_clients_side_gets_to_the_real_server(
    crafted: Crafted, service: Service
) -> None:
    """Steps: forward an answer; then send each kind of ICMP error about it from the client's side.

    Verify: each arrives at the RS, from the LIP, and quotes the RS's own packet; every field is
    compared.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        about = ends.to_client("PA", b"answer" * 4)
        sent = _send_each(ends.client, about)
        came = _received(ends, ends.server, len(sent))
    _require_any_of_nat64(added, came)
    _, connection = crafted.conversation(added, ends)
    for kind, view in zip(icmperrors.KINDS[about.version], sent, strict=True):
        wanted = icmperrors.icmp_at_rs(view, connection)
        _require(kind.words, wanted, [one for one in came if _same_kind(one, view)])


@requirement("EDG-10")
@pytest.mark.parametrize("quoted", [8, 20])
def test_an_error_that_quotes_little_is_understood(
    crafted: Crafted, service: Service, quoted: int
) -> None:
    """Steps: "fragmentation needed" (IPv6: "too big") from the RS's side, which quotes only this
    number of octets after the IP header. RFC 792 requires eight.

    Verify: it arrives at the client and quotes the client's own packet. Control: an error that
    quotes the complete packet.
    """
    added = _of_one_family(crafted.service(service))
    with crafted.connection(added) as ends:
        ends.open()
        about = ends.to_rs("PA", b"request" * 4)
        kind = icmperrors.KINDS[about.version][1]
        (short,) = _send(ends.server, [icmperrors.quotation(about, quoted)], kind)
        _send(ends.server, [icmperrors.quotation(about)], kind)
        came = _received(ends, ends.client, 1, about.payload)
    _, connection = crafted.conversation(added, ends)
    found = [one for one in came if len(one.payload) == len(short.payload)]
    if len(found) == len(came):
        raise Inconclusive("the error that quotes all of the packet is not at the client either")
    words = f"{kind.words}, quoting {quoted} octets of TCP"
    _require(words, icmperrors.icmp_at_client(short, connection), found)


@requirement("EDG-08")
def test_an_error_about_no_connection_goes_nowhere(crafted: Crafted, service: Service) -> None:
    """Steps: an error about a port without a connection, then one about a forwarded packet.

    Verify: only the second arrives at the client.
    """
    added = _of_one_family(crafted.service(service))
    with crafted.connection(added) as ends:
        ends.open()
        about = ends.to_rs("PA", b"request")
        whole = icmperrors.quotation(about)
        header = len(whole) - len(about.ip_payload)
        other = whole[:header] + bytes([whole[header] ^ 0x40]) + whole[header + 1 :]
        kind = icmperrors.KINDS[about.version][0]
        _send(ends.server, [other, whole], kind)
        came = _received(ends, ends.client, 1)
    if not came:
        raise Inconclusive("the error about a packet that crossed is not at the client either")
    assert len(came) == 1, f"{len(came)} errors at the client, one expected: {describe(came[0])}"


def _of_one_family(added: AddedService) -> AddedService:
    if added.declared.nat64:
        raise NotTested("NAT64: only whether errors cross at all is checked (EDG-08, EDG-09)")
    return added


def _require_any_of_nat64(added: AddedService, came: list[IcmpView]) -> None:
    """RFC 7915, 4.2 and 5.2: an error about a translated packet is translated, too."""
    if not added.declared.nat64:
        return
    assert came, "no ICMP error about a NAT64 connection is at the other side"
    raise NotTested("errors about a NAT64 connection crossed; what they must be is not predicted")


def _send_each(side: CraftedEnd, about: TcpView) -> list[IcmpView]:
    quoted = [icmperrors.quotation(about)]
    return [one for kind in icmperrors.KINDS[about.version] for one in _send(side, quoted, kind)]


def _send(side: CraftedEnd, quotations: list[bytes], kind: icmperrors.Kind) -> list[IcmpView]:
    ends = replace(side.ends, dont_fragment=False)
    frames = [icmperrors.error(ends, kind, quoted) for quoted in quotations]
    side.station.send(frames)
    views = [dissect(frame) for frame in frames]
    return [view for view in views if isinstance(view, IcmpView)]


def _received(ends: TwoEnds, side: CraftedEnd, count: int, quoting: bytes = b"") -> list[IcmpView]:
    """The errors at a side: once so many, which quote this, are there, or the time is over."""
    protocol = ICMPV6 if ":" in side.own.address else ICMP
    wanted = Match(outgoing=False, dst=side.own.address, protocol=protocol)
    side.capture.wait_for(replace(wanted, contains=quoting), count, ends.deadline)
    waited = side.capture.wait_for(wanted, 1 << 30, 0.0)
    views = [dissect(frame) for frame in waited.frames]
    errors = [view for view in views if isinstance(view, IcmpView) and view.payload]
    return [view for view in errors if view.icmp_type in (1, 2, 3, 4, 11)]


def _same_kind(one: IcmpView, other: IcmpView) -> bool:
    return (one.icmp_type, one.code, one.rest) == (other.icmp_type, other.code, other.rest)


def _require(words: str, wanted: Expected, found: list[IcmpView]) -> None:
    assert len(found) == 1, f"{words}: {len(found)} at the other side, one expected"
    wrong = differences(wanted, found[0])
    shown = "; ".join(map(str, wrong))
    assert not wrong, f"{words}: not translated: {shown}\nseen {describe(found[0])}"
