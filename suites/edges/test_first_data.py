"""The first segments, which have to carry TOA: full options, full size, forged options."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Crafted, LoadBalancer, Service, services
from dpvs_acceptance.traffic import proxyheader, tcpoptions, toa
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN
from dpvs_acceptance.traffic.tcpoptions import NOP, SACK, TcpOption
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]

PAD = TcpOption(NOP)
STAMP = (PAD, PAD, tcpoptions.timestamp(1000))
FULL = {
    "timestamp and three SACK blocks": (*STAMP, PAD, PAD, TcpOption(SACK, bytes(24))),
    "an unknown option of 40 octets": (TcpOption(77, bytes(38)),),
    "nothing but NOP": (PAD,) * 40,
    "four timestamps": (tcpoptions.timestamp(1000),) * 4,
}
"""Each fills TCP's 40 octets of options."""
FORGED = {4: SocketAddress("203.0.113.66", 6666), 6: SocketAddress("2001:db8:bad::66", 6666)}
HEADERS = 20 + 20  # of IPv4 and TCP


@requirement("EDG-01")
@pytest.mark.parametrize("full", FULL)
def test_options_that_leave_no_room(
    lb: LoadBalancer, crafted: Crafted, service: Service, full: str
) -> None:
    """Steps: the handshake's ACK and the request have 40 octets of options.

    Verify: both arrive, with every field as this version makes it: since 1.9.6 the least important
    options are removed for TOA (tcp_in_prune_options), before that there is no TOA.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open(LINUX_SYN, FULL[full])
        ends.to_rs("PA", b"request", options=FULL[full])
        ends.to_client("PA", b"answer")
    conversation = crafted.require_exact(added, ends)
    last = [pair.rs for pair in conversation.pairs if pair.towards_rs and pair.rs][-1]
    made_room = lb.version.toa_prunes
    assert (last.toa() is not None) == made_room, (
        f"TOA on a request with {full}: {last.toa()}, expected {'one' if made_room else 'none'}"
    )


@requirement("EDG-02")
@pytest.mark.parametrize("carried", [(), STAMP], ids=["no options", "timestamps"])
def test_segments_of_exactly_the_mtu(
    crafted: Crafted, service: Service, carried: tuple[TcpOption, ...]
) -> None:
    """Steps: the first data segment fills the link's MTU, and so does the answer.

    Verify: both arrive in one frame each, without TOA, for which there is no room; the handshake's
    ACK carries TOA. (Ordinary clients send smaller segments, because DPVS lowers the MSS of the
    SYN-ACK.)
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open(LINUX_SYN, carried)
        headers = HEADERS + 20 * (added.vip.version == 6) + sum(len(o.encode()) for o in carried)
        mtu, family = crafted.fullnat(added).lan.mtu, added.declared.server_family
        ends.to_rs("PA", b"q" * (mtu - headers), options=carried)
        headers = HEADERS + 20 * (family == 6) + sum(len(o.encode()) for o in carried)
        fits = mtu - headers - 20 * (added.vip.version - family) // 2
        ends.to_client("PA", b"a" * fits, options=carried)
    conversation = crafted.require_exact(added, ends)
    ack = [pair.rs for pair in conversation.pairs if pair.towards_rs and pair.rs][1]
    assert ack.toa() is not None, "the handshake's ACK, which has room, carries no TOA"


@requirement("EDG-03")
def test_the_devices_own_toa_stands_before_a_forged_one(crafted: Crafted, service: Service) -> None:
    """Steps: the handshake's ACK and the request carry a TOA option with a foreign address.

    Verify: the first TOA option of each, which is the one that readers evaluate, is the one of
    DPVS.
    """
    added = crafted.service(service)
    forged_end = FORGED[added.vip.version]
    forged = (TcpOption(toa.KIND, toa.encode(forged_end.address, forged_end.port)[2:]),)
    with crafted.connection(added) as ends:
        ends.open(LINUX_SYN, forged)
        ends.to_rs("PA", b"request", options=forged)
        ends.to_client("PA", b"answer")
    conversation = crafted.require_exact(added, ends)
    mine = toa.encode(ends.client.own.address, ends.client.own.port)
    for pair in conversation.pairs:
        if pair.towards_rs and pair.rs and not pair.rs.handshake:
            first = next(o.encode() for o in pair.rs.options if o.kind == toa.KIND)
            assert first == mine, (
                f"the first TOA is {first.hex(' ')}, the client's end {mine.hex(' ')}"
            )


@requirement("EDG-04")
@pytest.mark.parametrize("kind", [*proxyheader.COMMON, *proxyheader.RARE])
def test_a_clients_proxy_header_is_data_to_a_plain_service(
    crafted: Crafted, service: Service, kind: str
) -> None:
    """Steps: a client starts with a proxy protocol header, at a service without proxy protocol.

    Verify: the header arrives unchanged as data, and TOA has the client's address nevertheless.
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        header = (proxyheader.COMMON | proxyheader.RARE)[kind]
        forged = header(FORGED[added.vip.version], added.vip)
        ends.to_rs("PA", forged + b"request")
        ends.to_client("PA", b"answer")
    crafted.require_exact(added, ends)


@requirement("EDG-04", rare=False)
@requirement("EDG-31", rare=True)
@pytest.mark.parametrize(
    ("rare", "kind"),
    [
        *((False, kind) for kind in ("none", *proxyheader.COMMON)),
        *((True, kind) for kind in proxyheader.RARE),
    ],
    ids=["none", *proxyheader.COMMON, *(f"rare {kind}" for kind in proxyheader.RARE)],
)
def test_a_clients_proxy_header_is_not_believed(
    crafted: Crafted, service: Service, rare: bool, kind: str
) -> None:
    """Steps: at a service with proxy protocol v2, the client starts with a header of its own, also
    in rare forms.

    Verify: the RS receives one header, with the client's real address and port, followed by the
    request; the client's own header is removed (ip_vs_proxy_proto.c).
    """
    header = (proxyheader.RARE if rare else proxyheader.COMMON).get(kind)
    added = crafted.service(service, options="--proxy-protocol v2")
    forged = header(FORGED[added.vip.version], added.vip) if header else b""
    with crafted.connection(added) as ends:
        ends.open()
        came = ends.to_rs("PA", forged + b"request").payload
        answer = ends.to_client("PA", b"answer")
    wanted = proxyheader.v2(ends.client.own, added.vip) + b"request"
    assert came == wanted, (
        f"a client that begins with {kind}: the RS gets {came[:72]!r}, expected {wanted!r}"
    )
    assert answer.ack == ends.client.seq, (
        f"the answer acknowledges {answer.ack}, the client's request ends at {ends.client.seq}"
    )


@requirement("EDG-32")
@pytest.mark.parametrize("kind", ["none", *proxyheader.COMMON])
def test_a_line_of_proxy_protocol_v1_is_inserted(
    crafted: Crafted, service: Service, kind: str
) -> None:
    """Steps: at a service with proxy protocol v1, a request, also behind a header of the client's.

    Verify: the RS receives one line with the client's real address and port, followed by the
    request; a second request follows without it; each answer acknowledges what the client sent.
    """
    header = proxyheader.COMMON.get(kind)
    added = crafted.service(service, options="--proxy-protocol v1")
    forged = header(FORGED[added.vip.version], added.vip) if header else b""
    with crafted.connection(added) as ends:
        ends.open()
        came = ends.to_rs("PA", forged + b"request").payload
        answer = ends.to_client("PA", b"answer")
        acknowledged = answer.ack == ends.client.seq
        second = ends.to_rs("PA", b"second").payload
    wanted = proxyheader.v1(ends.client.own, added.vip) + b"request"
    assert came == wanted, (
        f"a client that begins with {kind}: the RS gets {came[:120]!r}, expected {wanted!r}"
    )
    assert second == b"second", f"the RS gets {second!r} as second request, expected b'second'"
    assert acknowledged, f"the answer acknowledges {answer.ack}, which is not the request's end"
