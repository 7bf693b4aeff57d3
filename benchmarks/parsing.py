"""`ipvsadm -ln` of a large load balancer."""

from __future__ import annotations

import time
from collections.abc import Iterator

from dpvs_acceptance.dpvs import addresses, ipvsadm
from tests.dpvs import rendered
from tests.dpvs.test_large_table import thousand_services


def measure() -> Iterator[tuple[str, str, str]]:
    """Processor seconds, best of five, with no address seen before."""
    text = rendered.services(thousand_services())
    seconds = []
    for _ in range(5):
        addresses.address.cache_clear()
        addresses.endpoint.cache_clear()
        begin = time.process_time()
        ipvsadm.parse_services(text)
        seconds.append(time.process_time() - begin)
    yield (
        f"parse `ipvsadm -ln` of 1,000 services with 10 RS each ({len(text) >> 10} kB)",
        "under 0.2 s",
        f"best of 5: {min(seconds):.3f} s",
    )
