"""Steps of deployment guide 3: addresses, routes, services, real servers, local addresses."""

from __future__ import annotations

from collections.abc import Iterator

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.lasting import DpvsChange, taken_back
from dpvs_acceptance.bringup.shell import sh
from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment, ExpectedAddress, ExpectedRoute
from dpvs_acceptance.model.fleet import Fleet
from dpvs_acceptance.model.topology import DeclaredService, Snat


def kernel_interfaces(deployment: Deployment) -> list[Change]:
    """The kni devices, up and with their addresses (deployment guide 2.4)."""
    changes = []
    for name, link in deployment.topology.links.items():
        if not (deployment.kni and link.kni):
            continue
        kni = deployment.kni_device(name)
        adds = [
            f"ip addr replace {address}/{network.prefixlen} dev {kni}"
            + (" nodad" if address.version == 6 else "")
            for address, network in zip(link.kni.both, link.networks, strict=False)
        ]
        changes.append(_dpvs(f"kni.{name}", f"addresses of {kni}", f"ip link set {kni} up", *adds))
    return changes


def vlans(deployment: Deployment) -> list[Change]:
    """VLAN devices on the ports (DPVS doc/tutorial.md, VLAN)."""
    return [
        _dpvs(
            f"vlan.{name}",
            f"VLAN {link.vlan} on {deployment.port(name).name}",
            _tool(
                deployment,
                *("dpip", "vlan", "add", deployment.device(name)),
                *("link", deployment.port(name).name, "proto", "802.1q", "id", link.vlan),
            ),
            optional=True,
        )
        for name, link in deployment.topology.links.items()
        if link.vlan is not None
    ]


def addresses_and_routes(deployment: Deployment) -> list[Change]:
    """DPVS's own addresses, VIPs on their port, then the routes.

    LIPs are not added here: `--add-laddr` adds them; addresses of SNAT are added with its rules.
    """
    changes = []
    for owned in deployment.addresses:
        if owned.use in ("own", "vip"):
            what = "VIP" if owned.use == "vip" else "DPVS's own address"
            change = (f"{owned.use}.{owned.address}", f"{what} {owned.address} on {owned.port}")
            changes.append(_dpvs(*change, _address(deployment, owned)))
    changes += [_route(deployment, route) for route in deployment.declared_routes]
    return changes


def _address(deployment: Deployment, owned: ExpectedAddress) -> str:
    words = ("addr", "add", f"{owned.address}/{owned.prefix}", "dev", owned.port)
    return _tool(deployment, "dpip", *words, *(("sapool",) if owned.use == "pool" else ()))


def _route(deployment: Deployment, route: ExpectedRoute) -> Change:
    family = ("-6",) if route.destination.version == 6 else ()
    words: list[object] = [*family, "route", "add"]
    words.append("default" if route.destination.prefixlen == 0 else str(route.destination))
    if route.via is not None:
        words += ["via", route.via]
    if route.scope == "kni_host":
        words += ["scope", "kni_host"]
    command = _tool(deployment, "dpip", *words, "dev", route.port)
    return _dpvs(f"route.{route.destination}", f"route {route.destination} {route.port}", command)


def services(deployment: Deployment) -> list[Change]:
    """Each service with its real servers and its local addresses; fleets; then SNAT's rules.

    A service that DPVS's tools have no option for does not stop the others and leaves nothing
    behind.
    """
    topology = deployment.topology
    return [
        *(_service(deployment, one) for one in deployment.services),
        *(_fleet(deployment, one) for one in topology.fleets),
        *(_snat(deployment, one) for one in deployment.snat),
    ]


def _fleet(deployment: Deployment, fleet: Fleet) -> Change:
    """All services of a fleet by one `ipvsadm -R`, in the format of `ipvsadm -S`."""
    model = deployment.topology.service(fleet.like)
    which = commands.which(model.protocol, model.vip, "$port")
    lines = [commands.service(which, model.scheduler), *_members(deployment, model, which)]
    says = "; ".join(f'echo "{" ".join(words)}"' for words in lines)
    first, last = fleet.ports[0], fleet.ports[-1]
    each = f"port={fleet.ports.start}; while [ $port -lt {fleet.ports.stop} ]; do "
    ended = f"done | {_tool(deployment, 'ipvsadm', '-R')}"
    return DpvsChange(
        id=f"fleet.{fleet.name}",
        title=f"{fleet.count} services like {fleet.like} on ports {first} to {last}",
        undo=ENDS_WITH_DPVS,
        apply=f"{each}{says}; port=$((port+1)); {ended}",
        taken_back=f'{each}echo "-D {" ".join(which)}"; port=$((port+1)); {ended}; :',
        timeout=max(10, fleet.count // 10),
    )


def _service(deployment: Deployment, service: DeclaredService) -> Change:
    which = commands.which(service.protocol, service.vip, service.port)
    options: list[str] = []
    if service.synproxy:
        options += ["-j", "enable"]
    if service.persistence is not None:
        options += ["-p", str(service.persistence)]
    if service.connection_timeout is not None:
        options += ["--conn-timeout", str(service.connection_timeout)]
    told = [
        commands.service(which, service.scheduler, *options),
        *_members(deployment, service, which),
    ]
    has = ", its RS and LIPs" if service.local_addresses else " and its RS"
    return _dpvs(
        f"service.{service.name}",
        f"service {service.name}: {service.protocol} {which[1]}{has}",
        *(_tool(deployment, "ipvsadm", *words) for words in told),
        optional=True,
        otherwise=_tool(deployment, "ipvsadm", "-D", *which),
    )


def _members(
    deployment: Deployment, service: DeclaredService, which: commands.Words
) -> Iterator[commands.Words]:
    """The ipvsadm arguments for real servers and local addresses of a service."""
    for target in deployment.targets(service):
        server = commands.end(target.address, target.port)
        yield commands.real_server("-a", which, server, target.weight, service.forwarding)
    for lip in service.local_addresses:
        yield commands.local_address(which, lip, deployment.lip_device(lip))


def _snat(deployment: Deployment, rule: Snat) -> Change:
    """As in DPVS's scripts/setup.snat.sample.sh, but each address once, with full prefix length."""
    first, last = rule.sources
    out = deployment.device(rule.outgoing)
    which = ("-H", f"proto={rule.protocol},src-range={first}-{last},oif={out}")
    pool = [one for one in deployment.addresses if one.use == "pool"]
    # Rules share addresses: the first rule with an address adds it.
    earlier = {
        wan.address
        for other in deployment.snat[: deployment.snat.index(rule)]
        for wan in other.pool
    }
    mine = {wan.address for wan in rule.pool} - earlier
    told = [
        _tool(deployment, "ipvsadm", "-A", "-s", rule.scheduler, *which),
        *(_address(deployment, owned) for owned in pool if owned.address in mine),
        *(
            _tool(
                deployment,
                *("ipvsadm", "-a", *which, "-r", commands.end(target.address, target.port)),
                *("-w", target.weight, "-J"),
            )
            for target in deployment.targets(rule)
        ),
    ]
    return _dpvs(
        f"service.{rule.name}",
        f"SNAT {rule.name}: {rule.protocol} from {first}-{last} out of {out}",
        *told,
        optional=True,
        otherwise=_tool(deployment, "ipvsadm", "-D", *which),
    )


def _tool(deployment: Deployment, tool: str, *words: object) -> str:
    return sh(f"{deployment.bench.dut.dpvs.home}/bin/{tool}", *words)


def _dpvs(
    change_id: str, title: str, *commands: str, optional: bool = False, otherwise: str = ""
) -> Change:
    # Exit codes of the tools are partly wrong (0 or 253 for a duplicate); the checks verify the
    # state afterwards, so only the last line of a failing tool is kept.
    first, *rest = commands
    apply = " && ".join(commands)
    if otherwise and rest:
        apply = (
            f"{first} && {{ {' && '.join(rest)} || {{ status=$?; {otherwise}; exit $status; }}; }}"
        )
    return DpvsChange(
        id=change_id,
        title=title,
        done=None,
        undo=ENDS_WITH_DPVS,
        apply=apply,
        optional=optional,
        taken_back=taken_back(commands),
    )
