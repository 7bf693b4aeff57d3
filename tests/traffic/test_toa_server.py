"""The small HTTP server of a station, where the kernel has no TOA reader: it says so, and goes."""

from __future__ import annotations

import pytest

from dpvs_acceptance.traffic.errors import TrafficError
from dpvs_acceptance.traffic.http import curl_many
from dpvs_acceptance.traffic.station import Station

from .conftest import Wire

URL = "http://10.77.0.2:7995/"


def test_each_connection_is_told_what_the_kernel_says(wire: Wire, right: Station) -> None:
    with right.toa_server("10.77.0.2", 7995):
        answers = curl_many(wire.left, URL, 3)
        # Whoever says nothing, or half of it, holds nobody up.
        wire.left.ok(
            "timeout 1 python3 -c 'import socket;s=socket.create_connection((\"10.77.0.2\",7995))'"
        )
        (last,) = curl_many(wire.left, URL, 1)
    assert [(one.status, one.body) for one in (*answers, last)] == [
        (200, "getsockopt(IPPROTO_IP, 4096): [Errno 92] Protocol not available")
    ] * 4
    (after,) = curl_many(wire.left, URL, 1)
    assert after.exit == 7  # curl's: nobody listens there


def test_a_port_that_is_taken_is_an_error_with_the_hosts_words(right: Station) -> None:
    taken = pytest.raises(TrafficError, match="Address already in use")
    with right.toa_server("10.77.0.2", 7996), taken, right.toa_server("10.77.0.2", 7996):
        pass
    with right.toa_server("10.77.0.2", 7996):
        pass
