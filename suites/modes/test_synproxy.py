"""With synproxy a real server sees only clients that finish their handshake (FWD-04)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dpvs_acceptance.testbed import Client, Service, services
from dpvs_acceptance.traffic.match import TCP, Match
from dpvs_acceptance.traffic.scene import Watch
from dpvs_acceptance.traffic.tcpclient import LINUX_SYN
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, requirement

pytestmark = [
    requirement("FWD-04"),
    pytest.mark.traffic,
    for_each(service=services.having(synproxy=True, family=4)),
]

SYNS = 5
REQUEST = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"


def test_a_client_that_only_sends_syns_reaches_no_real_server(
    spoofing: Client, service: Service
) -> None:
    """Steps: five SYNs of a client that never finishes, then one whole connection.

    Verify: DPVS itself answers each SYN; the real servers see only the whole connection.
    """
    vip = service.vip
    answer = Match(outgoing=False, src=vip.address, sport=vip.port, protocol=TCP, flags="SA")
    with spoofing.watch() as watch, spoofing.connection(service) as silent:
        for number in range(SYNS):
            syn = silent.segment("S", options=LINUX_SYN, seq=1000 * number)
            came = spoofing.station.exchange(silent.capture, [syn], answer)
            assert came.enough, f"SYN {number + 1} of {SYNS} to {vip} was not answered"
        _whole_connection(spoofing, service)
        silent.reset()
    counts = _opened(spoofing, service, watch)
    if not sum(counts.values()):
        raise Inconclusive("the whole connection reached no real server either (positive control)")
    assert sum(counts.values()) == 1, (
        f"{SYNS} SYNs and one whole connection: one connection at the real servers expected, "
        f"seen {counts}"
    )


def test_an_ack_without_a_valid_cookie_is_refused(spoofing: Client, service: Service) -> None:
    """Steps: an ACK of a connection that was never opened, then one whole connection.

    Verify: DPVS answers the ACK with RST; the real servers see only the whole connection.
    """
    vip = service.vip
    with spoofing.watch() as watch, spoofing.connection(service) as forger:
        port = forger.source.port
        refusal = Match(outgoing=False, src=vip.address, sport=vip.port, dport=port, flags="R")
        forger.ack = 4711
        came = spoofing.station.exchange(forger.capture, [forger.segment("A")], refusal)
        assert came.enough, f"an ACK with a forged cookie to {vip} was not answered with RST"
        _whole_connection(spoofing, service)
    counts = _opened(spoofing, service, watch)
    assert sum(counts.values()) == 1, f"one connection at the real servers expected, seen {counts}"


def _whole_connection(client: Client, service: Service) -> None:
    with client.connection(service) as whole:
        whole.connect()
        whole.request(REQUEST)
        whole.close()


def _opened(client: Client, service: Service, watch: Watch) -> Mapping[str, int]:
    """Connections that were opened at each real server."""
    opened = service.mode(client).openings(watch.server_views)
    return {name: len(syns) for name, syns in opened.items()}
