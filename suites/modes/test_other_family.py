"""IPv4 real servers behind an IPv6 VIP: neither DR nor NAT can do that (V172-26, V172-30)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpvs_acceptance.dpvs.ipvsadm.commands import MODE_OPTIONS
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.traffic.views import TcpView
from dpvs_acceptance.verdict.causes import Inconclusive
from fixtures.operator import Operator
from fixtures.traffic import Clients

pytestmark = pytest.mark.traffic

PORT = 5390


@pytest.mark.requirement("6to4 refused")
def test_a_mode_that_keeps_the_family_forwards_nothing_to_the_other(
    operator: Operator,
    scene: Scene,
    clients: Clients,
    captures: Path,
    deployment: Deployment,
    kept_family_name: str,
) -> None:
    """Steps: beside the IPv6 service another with the IPv4 address of its first RS, in the same
    mode; a request to each.

    Verify: the RS is refused, or nothing of the request comes to any RS; the service itself works.
    """
    service = deployment.topology.service(kept_family_name)
    client = deployment.topology.vip_clients[0]
    rs = deployment.topology.real_servers[service.real_servers[0].name].address
    end = f"[{service.vip}]:{PORT}"
    operator.does(f"ipvsadm -A -t {end} -s rr")
    said = operator.do(f"ipvsadm -a -t {end} -r {rs}:{PORT} {MODE_OPTIONS[service.forwarding]}")
    with scene.watch(client, captures) as watch:
        (other,) = clients.curl(client, f"http://{end}/", max_time=1.0)
        (control,) = clients.curl(client, clients.url(service))
        watch.settle(scene.vip(service))
    arrived = {v.sport for vs in watch.server_views.values() for v in vs if isinstance(v, TcpView)}
    if control.local is None or control.local.port not in arrived:
        raise Inconclusive(
            f"nothing of a request to {kept_family_name} itself came to an RS: {control}"
        )
    sent = {v.sport for v in watch.client_views if isinstance(v, TcpView) and v.dport == PORT}
    assert not sent & arrived, (
        f"{service.forwarding}: a request to {end} was forwarded to {rs}; `{said.command}` had "
        f"ended with {said.exit_status}: {said.words or 'no word'}; the client saw: {other}"
    )
