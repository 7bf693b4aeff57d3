"""`dpip ipv6 show [total | all | cpu N]`: counters of IPv6 packets (tools/dpip/ipv6.c)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dpvs_acceptance.dpvs.lines import NUMBER, Lines

TOTAL = "total"
"""The heading if dpip prints none."""

_HEAD = re.compile(rf"All|cpu {NUMBER}")
_COUNTER = re.compile(rf"([A-Z][A-Za-z0-9]+): +({NUMBER})")


def parse_ipv6_stats(text: str, source: str = "dpip ipv6 show") -> Mapping[str, Mapping[str, int]]:
    """Counters by name (RFC 4293's, such as InReceives), by heading: `All`, `cpu 1`, or TOTAL.

    Raises ParseError.
    """
    lines = Lines(text, source)
    found: dict[str, Mapping[str, int]] = {}
    while not lines.at_end:
        head = lines.take_if(_HEAD)
        counters: dict[str, int] = {}
        while (counter := lines.take_if(_COUNTER)) is not None:
            counters[counter[1]] = int(counter[2])
        if not counters:
            raise lines.error("a counter, `NAME: N`")
        found[head[0] if head else TOTAL] = MappingProxyType(counters)
    return MappingProxyType(found)
