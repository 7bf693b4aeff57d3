"""Steps of the article's section 3: addresses, routes, services, real servers, local addresses."""

from __future__ import annotations

from ipaddress import IPv6Address

from dpvs_acceptance.bringup.daemon import ENDS_WITH_DPVS
from dpvs_acceptance.bringup.shell import sh
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment, ExpectedRoute
from dpvs_acceptance.model.topology import Address, Service


def kernel_interfaces(deployment: Deployment) -> list[Change]:
    """The kni devices up, with their addresses, as any kernel interface (seed 2.4)."""
    changes = []
    for name, link in deployment.topology.links.items():
        if not (deployment.kni and link.kni):
            continue
        kni = deployment.port(name).kni
        adds = [
            f"ip addr replace {address}/{network.prefixlen} dev {kni}"
            + (" nodad" if address.version == 6 else "")
            for address, network in zip(link.kni.both, link.networks, strict=False)
        ]
        changes.append(_dpvs(f"kni.{name}", f"addresses of {kni}", f"ip link set {kni} up", *adds))
    return changes


def addresses_and_routes(deployment: Deployment) -> list[Change]:
    """VIPs on their port, then the routes. LIPs are not added here: `--add-laddr` brings them."""
    changes = []
    for owned in deployment.addresses:
        if owned.use == "vip":
            host = f"{owned.address}/{owned.address.max_prefixlen}"
            changes.append(
                _dpvs(
                    f"vip.{owned.address}",
                    f"VIP {owned.address} on {owned.port}",
                    _tool(deployment, "dpip", "addr", "add", host, "dev", owned.port),
                )
            )
    changes += [_route(deployment, route) for route in deployment.declared_routes]
    return changes


def _route(deployment: Deployment, route: ExpectedRoute) -> Change:
    family = ("-6",) if route.destination.version == 6 else ()
    words: list[object] = [*family, "route", "add"]
    words.append("default" if route.scope == "global" else str(route.destination))
    if route.via is not None:
        words += ["via", route.via]
    if route.scope == "kni_host":
        words += ["scope", "kni_host"]
    command = _tool(deployment, "dpip", *words, "dev", route.port)
    return _dpvs(f"route.{route.destination}", f"route {route.destination} {route.port}", command)


def services(deployment: Deployment) -> list[Change]:
    """Each service with its real servers and its local addresses."""
    changes = []
    for service in deployment.topology.services:
        which = (f"-{service.protocol[0]}", endpoint(service.vip, service.port))
        commands = [_tool(deployment, "ipvsadm", "-A", *which, "-s", service.scheduler)]
        commands += [
            _tool(
                deployment,
                *("ipvsadm", "-a", *which, "-r", endpoint(target.address, target.port)),
                *("-b", "-w", target.weight),
            )
            for target in deployment.targets(service)
        ]
        commands += [
            _tool(
                deployment,
                *("ipvsadm", "--add-laddr", "-z", lip, *which, "-F", deployment.lip_port(lip).name),
            )
            for lip in service.local_addresses
        ]
        title = f"service {service.name}: {service.protocol} {which[1]}, its RS and LIPs"
        changes.append(_dpvs(f"service.{service.name}", title, *commands))
    return changes


def endpoint(address: Address, port: int) -> str:
    """`address:port` as ipvsadm writes it, IPv6 in brackets."""
    return f"[{address}]:{port}" if isinstance(address, IPv6Address) else f"{address}:{port}"


def service_flags(service: Service) -> str:
    return f"-{service.protocol[0]} {endpoint(service.vip, service.port)}"


def _tool(deployment: Deployment, tool: str, *words: object) -> str:
    return sh(f"{deployment.bench.dut.dpvs.home}/bin/{tool}", *words)


def _dpvs(change_id: str, title: str, *commands: str) -> Change:
    # The tools' exit codes lie in known ways (a duplicate is 0 or 253): the state is asserted by
    # the checks afterwards, so only the last word of a failing tool is kept here.
    return Change(
        id=change_id, title=title, done=None, undo=ENDS_WITH_DPVS, apply=" && ".join(commands)
    )
