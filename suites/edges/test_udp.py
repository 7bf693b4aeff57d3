"""Missing UDP checksums, and wrong TCP and UDP checksums."""

from __future__ import annotations

import pytest

from dpvs_acceptance.testbed import Crafted, Service, services
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.pairing import find_udp
from dpvs_acceptance.traffic.verify import check_udp, in_words
from dpvs_acceptance.traffic.views import UdpView
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = [pytest.mark.traffic, for_each(service=FULLNAT.one_per("family", "server_family"))]

WRONG = 0xBAD1


@requirement("EDG-22")
def test_a_datagram_without_checksum_crosses_ipv4(crafted: Crafted, service: Service) -> None:
    """Steps: datagrams with checksum 0, in both directions. RFC 768 allows this.

    Verify: they arrive with their payload; none has a wrong checksum.
    """
    added = crafted.service(service, "udp")
    if added.vip.version == 6:
        raise NotApplicable("over IPv6 a datagram has to have a checksum (EDG-23)")
    with crafted.connection(added) as ends:
        for number in range(5):
            ends.datagram_to_rs(b"unsummed request %d" % number, chksum=0)
            ends.datagram_to_client(b"unsummed answer %d" % number, chksum=0)
    near, far = ends.views()
    conversation, connection = find_udp(near, far, ends.client.own, crafted.fullnat(added))
    findings = check_udp(conversation, connection)
    assert not findings, in_words(findings)


@requirement("EDG-23")
def test_a_datagram_without_checksum_does_not_cross_ipv6(
    crafted: Crafted, service: Service
) -> None:
    """Steps: over IPv6, a datagram with checksum 0, then one with a correct checksum.

    Verify: only the second arrives at the RS. A receiver must discard the first (RFC 8200, 8.1); a
    load balancer that computes a checksum for it hides that the data was never protected.
    """
    added = crafted.service(service, "udp")
    if added.vip.version == 4:
        raise NotApplicable("over IPv4 a datagram need not have a checksum (EDG-22)")
    with crafted.connection(added) as ends:
        crafted.send_beyond_uoa(ends)
        ends.client.station.send([ends.client.datagram(b"unsummed", chksum=0)])
        ends.datagram_to_rs(b"with its checksum")
    came = [view for view in ends.views()[1]["rs"] if isinstance(view, UdpView)]
    unsummed = [view for view in came if view.payload == b"unsummed"]
    assert not unsummed, (
        f"a datagram without checksum was forwarded with a checksum that is {unsummed[0].checksum}"
    )


@requirement("EDG-24")
@pytest.mark.parametrize("side", ["client", "RS"])
def test_a_corrupt_datagram_is_not_made_good(crafted: Crafted, service: Service, side: str) -> None:
    """Steps: a datagram with a wrong checksum, then a correct one.

    Verify: the first does not arrive at the other side, or arrives with a wrong checksum.
    """
    added = crafted.service(service, "udp")
    with crafted.connection(added) as ends:
        crafted.send_beyond_uoa(ends)
        one = ends.client if side == "client" else ends.server
        cross = ends.datagram_to_rs if side == "client" else ends.datagram_to_client
        one.station.send([one.datagram(b"corrupted", chksum=WRONG)])
        cross(b"sound")
    other = ends.server if side == "client" else ends.client
    came = other.capture.views(Match(outgoing=False, payload=b"corrupted"))
    good = [view for view in came if isinstance(view, UdpView) and view.checksum != "wrong"]
    assert not good, f"a corrupt datagram of the {side} was forwarded with a correct checksum"


@requirement("EDG-24")
@pytest.mark.parametrize("side", ["client", "RS"])
def test_a_corrupt_segment_is_not_made_good(crafted: Crafted, service: Service, side: str) -> None:
    """Steps: on an open connection, a segment with a wrong checksum, then a correct one.

    Verify: the first does not arrive at the other side, or arrives with a wrong checksum. Otherwise
    the receiver accepts damaged data (RFC 9293, 3.1).
    """
    added = crafted.service(service)
    with crafted.connection(added) as ends:
        ends.open()
        ends.to_rs("PA", b"request")
        one = ends.client if side == "client" else ends.server
        cross = ends.to_rs if side == "client" else ends.to_client
        one.station.send([one.segment("PA", b"corrupted", chksum=WRONG)])
        cross("PA", b"sound")
    other = ends.server if side == "client" else ends.client
    came = [view for view in ends.arrived(other) if view.payload == b"corrupted"]
    good = [view for view in came if view.checksum != "wrong"]
    assert not good, f"a corrupt segment of the {side} was forwarded with a correct checksum"
