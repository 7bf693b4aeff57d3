"""Names of services and SNAT rules in `ipvsadm -ln`."""

from __future__ import annotations

from dpvs_acceptance.dpvs.addresses import Endpoint
from dpvs_acceptance.dpvs.ipvsadm.identity import PROTOCOLS, AddressRange, ServiceId, SnatMatch
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.topology import DeclaredService, Snat


def service_id_of(service: DeclaredService) -> ServiceId:
    """`TCP  10.0.96.204:80`."""
    return ServiceId(service.protocol.upper(), vip=Endpoint(service.vip, service.port))


def match_of(rule: Snat, deployment: Deployment) -> ServiceId:
    """`MATCH tcp,from=FIRST-LAST:0-0,oif=dpdk1`, the expected name of a SNAT rule."""
    sources = AddressRange(*rule.sources, 0, 0)
    match = SnatMatch(sources, None, None, deployment.device(rule.outgoing))
    return ServiceId(PROTOCOLS[rule.protocol], match=match)
