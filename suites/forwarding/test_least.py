"""Least connections: the least loaded real server gets the next one (deployment guide, 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from dpvs_acceptance.testbed import NO_OTHER_TRAFFIC, Client, LoadBalancer, Service, services
from dpvs_acceptance.traffic.balance import HELD_PER_WORKER, NEW, least_loaded
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.scene import Watch
from dpvs_acceptance.verdict.causes import NotApplicable
from fixtures.checks import for_each, needs, requirement


@requirement("S31")
@pytest.mark.traffic
@needs(NO_OTHER_TRAFFIC)
@for_each(service=services.having(protocol="tcp", family=4))
def test_new_connections_go_to_the_least_loaded_real_server(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: open connections and keep them; close all of one RS; open four more.

    Verify: the four go to the RS without connections. With round robin it would get two, and with
    the load compared the wrong way round none.
    """
    if service.declared.scheduler != "wlc" or len(service.server_names) < 2:
        raise NotApplicable(f"{service} is scheduled by {service.declared.scheduler}, not by load")
    with ExitStack() as stack:
        with spoofing.watch(keep=False) as watch:
            held = [
                stack.enter_context(spoofing.connection(service))
                for _ in range(HELD_PER_WORKER * len(lb.deployment.workers))
            ]
            for connection in held:
                connection.connect()
        server_of = _servers_of(watch, service, spoofing, [one.source for one in held])
        loaded = Counter(server_of.values())
        assert len(loaded) > 1, (
            f"{len(held)} open connections all went to one real server, {next(iter(loaded))}"
        )
        emptied = min(loaded)
        for connection in held:
            if server_of[connection.source] == emptied:
                connection.reset()
        with spoofing.watch() as watch:
            new = [stack.enter_context(spoofing.connection(service)) for _ in range(NEW)]
            for connection in new:
                connection.connect()
        chosen = _servers_of(watch, service, spoofing, [one.source for one in new])
        for connection in (*held, *new):
            connection.reset()
    spread = least_loaded(Counter(chosen.values()), emptied, loaded)
    assert spread.fair, spread.words


def _servers_of(
    watch: Watch, service: Service, client: Client, sources: Sequence[SocketAddress]
) -> dict[SocketAddress, str]:
    """The RS of each connection, found at both sides."""
    fullnat = service.fullnat(client)
    return {
        source: find_tcp(watch.client_views, watch.server_views, source, fullnat)[0].rs_name
        for source in sources
    }
