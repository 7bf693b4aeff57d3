"""What is written by the tools' own formats is read back as the same model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpvs_acceptance.dpvs import dpip, ipvsadm
from tests.dpvs import random_models as some
from tests.dpvs import rendered

CASES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], str], Callable[[str], Any]]] = {
    "link": (some.LINKS, rendered.links, dpip.parse_links),
    "cpu": (some.lcore_lists(), rendered.lcores, dpip.parse_lcores),
    "addr": (some.ENTRIES, rendered.addresses, dpip.parse_addresses),
    "route": (some.ROUTES, rendered.routes, dpip.parse_routes),
    "neigh": (some.NEIGHBOURS, rendered.neighbours, dpip.parse_neighbours),
    "vlan": (some.VLANS, rendered.vlans, dpip.parse_vlans),
    "tunnel": (some.TUNNELS, rendered.tunnels, dpip.parse_tunnels),
    "maddr": (some.GROUPS, rendered.multicast, dpip.parse_multicast),
    "services": (some.SERVICES, rendered.services, ipvsadm.parse_services),
    "services of 1.8": (
        some.SERVICES,
        partial(rendered.services, timeout_flag="conn_timeout"),
        ipvsadm.parse_services,
    ),
    "stats": (some.COUNTER_TABLES, rendered.stats, ipvsadm.parse_stats),
    "rates": (some.RATE_TABLES, rendered.rates, ipvsadm.parse_rates),
    "laddrs": (some.LADDRS, rendered.laddrs, ipvsadm.parse_laddrs),
    "connections": (some.CONNECTIONS, rendered.connections, ipvsadm.parse_connections),
    "blacklist": (
        some.RULES,
        partial(rendered.access, kind="BLACKLIST", protocol_first=True),
        ipvsadm.parse_access_list,
    ),
    "whitelist of 1.8": (
        some.RULES,
        partial(rendered.access, kind="WHITELIST", protocol_first=False),
        ipvsadm.parse_access_list,
    ),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40, deadline=None, database=None)
@given(data=st.data())
def test_round_trip(name: str, data: st.DataObject) -> None:
    models, write, read = CASES[name]
    model = data.draw(models)
    assert read(write(model)) == model
