"""IPv4 real servers behind an IPv6 VIP: neither DR nor NAT can do that (V172-26, V172-30)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.ipvsadm.commands import MODE_OPTIONS
from dpvs_acceptance.testbed import Client, LoadBalancer, Service, services
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.checks import for_each, requirement

pytestmark = pytest.mark.traffic

PORT = 5390


@requirement("6to4 refused")
@for_each(service=services.having(mode=("dr", "nat"), protocol="tcp", family=6))
def test_a_mode_that_keeps_the_family_forwards_nothing_to_the_other(
    lb: LoadBalancer, client: Client, service: Service
) -> None:
    """Steps: add a second service like the IPv6 service, with the IPv4 address of its first RS, in
    the same mode; send a request to each.

    Verify: DPVS refuses the RS, or nothing of the request reaches any RS; the first service works.
    """
    rs, mode = service.servers[0].address, service.declared.forwarding
    end = f"[{service.vip.address}]:{PORT}"
    lb.run(f"ipvsadm -A -t {end} -s rr")
    added = lb.attempt(f"ipvsadm -a -t {end} -r {rs}:{PORT} {MODE_OPTIONS[mode]}")
    with client.watch() as watch:
        (other,) = client.get(f"http://{end}/", timeout=1.0)
        (control,) = client.get(service)
        watch.settle(service.vip)
    arrived = {v.sport for vs in watch.server_views.values() for v in vs if isinstance(v, TcpView)}
    if control.local is None or control.local.port not in arrived:
        raise Inconclusive(f"a request to {service} itself reached no RS either: {control}")
    sent = {v.sport for v in watch.client_views if isinstance(v, TcpView) and v.dport == PORT}
    assert not sent & arrived, (
        f"{mode}: a request to {end} was forwarded to {rs}; `{added.command}` ended with "
        f"{added.exit_status}: {added.words or 'no output'}; the client saw: {other}"
    )
