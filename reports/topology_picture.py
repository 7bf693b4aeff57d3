"""The topology as a drawing: clients above, the load balancer in the middle, real servers below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.model.serving import WORDS
from dpvs_acceptance.model.topology import DeclaredService, Machine, Snat, Topology
from dpvs_acceptance.verdict.signoff import DeviceEntry, NicEntry
from reports.drawing import MONO, Box, Line, Picture, Shape, Words, shorten
from reports.language import Say

_WIDTH = 860.0
_EDGE = 10.0
_MACHINE = 58.0
_LINE = 15.0
# Of addresses in one line.
_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class _Place:
    """Part of the width that belongs to one link."""

    left: float
    right: float

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def draw_topology(topology: Topology, device: DeviceEntry | None, say: Say) -> Picture:
    """Every address that the topology declares, and the NIC that each link is on.

    Without a device: the topology alone, of no run.
    """
    nics = {nic.link: nic for nic in (device.nics if device else ()) if nic.link}
    head = "DPVS" if device is None else f"{device.host}  DPVS {device.dpvs} ({say(device.kind)})"
    outside = {rule.outgoing for rule in topology.snat} | set(topology.vips)
    upper = [name for name in topology.links if name in outside]
    lower = [name for name in topology.links if name not in outside]
    shapes: list[Shape] = []
    y = 8.0
    y = _draw_above(topology, _places(upper), y, shapes, say)
    y = _draw_device(topology, head, nics, _places(upper), _places(lower), y, shapes)
    y = _draw_below(topology, _places(lower), y, shapes, say)
    described = [
        f"{name}: {', '.join(map(str, link.networks))}" for name, link in topology.links.items()
    ]
    described += [f"{name}: {_addresses(machine)}" for name, machine in topology.clients.items()]
    described += [
        f"{name}: {_addresses(machine)}" for name, machine in topology.real_servers.items()
    ]
    described += [f"VIP {vip}" for vips in topology.vips.values() for vip in vips]
    title = f"{say('Topology')} {topology.name or head}: {topology.title}"
    return Picture(_WIDTH, y + 6, title, "; ".join(described), tuple(shapes))


def _places(names: Sequence[str]) -> dict[str, _Place]:
    share = (_WIDTH - 2 * _EDGE) / max(len(names), 1)
    return {
        name: _Place(_EDGE + index * share, _EDGE + (index + 1) * share - 8)
        for index, name in enumerate(names)
    }


def _draw_above(
    topology: Topology, places: Mapping[str, _Place], y: float, shapes: list[Shape], say: Say
) -> float:
    """Clients of remote networks with their router, clients of the link, and the link itself."""
    everybody = {**topology.clients, **topology.real_servers}
    far = any(one.link in topology.remote_networks for one in everybody.values())
    bus = y + (2 * _MACHINE + 34 if far else _MACHINE + 22)
    for name, place in places.items():
        remote = [
            (one, machine)
            for one, machine in everybody.items()
            if machine.link in topology.remote_networks
            and topology.remote_networks[machine.link].behind == name
        ]
        local = [(one, machine) for one, machine in everybody.items() if machine.link == name]
        routers = {machine.link for _, machine in remote}
        slots = max(len(remote), len(routers)) + len(local)
        width = (place.right - place.left - 40) / max(slots, 1)
        x = place.left + 20
        for client, machine in remote:
            box = min(width - 14, 230)
            kind = "client" if client in topology.clients else "real server"
            _machine(shapes, x, y, box, client, machine, say(kind))
            middle = x + box / 2
            network = topology.remote_networks[machine.link]
            at = y + _MACHINE + 12
            shapes.append(Line(middle, y + _MACHINE, middle, at, "soft"))
            shapes.append(Box(x, at, box, _MACHINE, "soft", 0.06))
            shapes.append(Line(middle, at + _MACHINE, middle, bus, "soft"))
            head = f"{say('gateway')}, {machine.link} {network.network}"
            shapes.append(Words(middle, at + 17, shorten(head, 11, box - 6), 11, "middle"))
            for row, gateway in enumerate(topology.links[name].gateways):
                shapes.append(
                    Words(middle, at + 33 + row * 15, str(gateway), 11, "middle", font=MONO)
                )
            x += width
        for client, machine in local:
            box = min(width - 14, 230)
            word = "client" if client in topology.clients else "real server"
            _machine(shapes, x, bus - _MACHINE - 22, box, client, machine, say(word))
            shapes.append(Line(x + box / 2, bus - 22, x + box / 2, bus, "soft"))
            x += width
        _bus(topology, shapes, name, place, bus, bus + 17)
    return bus


def _bus(
    topology: Topology, shapes: list[Shape], name: str, place: _Place, y: float, words_at: float
) -> None:
    shapes.append(Line(place.left, y, place.right, y, "accent", 4))
    link = topology.links[name]
    networks = ", ".join(map(str, link.networks))
    if link.vlan is not None:
        networks = f"VLAN {link.vlan}  {networks}"
    shapes.append(
        Words(place.right, words_at, f"{name}  {networks}", 12, "end", "accent", bold=True)
    )


def _draw_device(
    topology: Topology,
    head: str,
    nics: Mapping[str, NicEntry],
    upper: Mapping[str, _Place],
    lower: Mapping[str, _Place],
    bus: float,
    shapes: list[Shape],
) -> float:
    """The load balancer between its links; gives the base line of the links below."""
    y = bus + 26
    above = {name: _port_lines(topology, name, nics.get(name)) for name in upper}
    below = {name: _port_lines(topology, name, nics.get(name)) for name in lower}
    services = [_service(one) for one in topology.services] + [_snat(one) for one in topology.snat]
    tall = max((len(lines) for lines in above.values()), default=0)
    deep = max((len(lines) for lines in below.values()), default=0)
    height = (tall + deep + len(services) + 1) * _LINE + 46
    shapes.append(Box(_EDGE + 20, y, _WIDTH - 2 * _EDGE - 40, height, "ink", 0.03))
    at = y + 6
    for name, place in upper.items():
        shapes.append(Line(place.middle, bus, place.middle, y, "accent", 2))
        _port(shapes, above[name], place, at)
    at += tall * _LINE + 12
    shapes.append(Words(_WIDTH / 2, at + 10, head, 14, "middle", bold=True))
    at += 14
    for text in services:
        at += _LINE
        shown = shorten(text, 11, _WIDTH - 90, MONO)
        shapes.append(Words(_WIDTH / 2, at, shown, 11, "middle", "ink", font=MONO))
    at += 16
    for name, place in lower.items():
        _port(shapes, below[name], place, at)
        shapes.append(Line(place.middle, y + height, place.middle, y + height + 26, "accent", 2))
    return y + height + 26


def _service(service: DeclaredService) -> str:
    """`tcp 10.0.96.204:80 rr → rs1:80, rs2:80  FullNAT, LIP 192.168.229.204`."""
    words = [WORDS[service.forwarding]]
    if service.synproxy:
        words.append("SYN proxy")
    if service.local_addresses:
        words.append(f"LIP {', '.join(map(str, service.local_addresses))}")
    servers = ", ".join(
        f"{one.name}:{one.port}" + (f" ×{one.weight}" if one.weight != 1 else "")
        for one in service.real_servers
    )
    end = _end(str(service.vip), service.port)
    return f"{service.protocol} {end} {service.scheduler} → {servers}  {', '.join(words)}"


def _snat(rule: Snat) -> str:
    """`tcp from 192.168.229.0-192.168.229.255 out of wan → 10.0.96.210  SNAT`."""
    first, last = rule.sources
    pool = ", ".join(str(one.address) for one in rule.pool)
    return f"{rule.protocol} from {first}-{last} out of {rule.outgoing} → {pool}  SNAT"


def _port_lines(topology: Topology, name: str, nic: NicEntry | None) -> list[tuple[str, str]]:
    """Colour and text of each line about the port that is on a link."""
    link = topology.links[name]
    lines = []
    if nic is not None:
        lines.append(("ink", f"{nic.port}  {nic.name}  {nic.pci}  {nic.mac}"))
    vips = topology.vips.get(name, ())
    if vips:
        lines += [("pass", f"VIP {part}") for part in _parts(list(map(str, vips)))]
    lips = dict.fromkeys(
        str(lip)
        for service in topology.services
        for lip in service.local_addresses
        if topology.link_of(lip) == name
    )
    if lips:
        lines += [("flaky", f"LIP {part}") for part in _parts(list(lips))]
    pool = dict.fromkeys(
        str(one.address) for rule in topology.snat if rule.outgoing == name for one in rule.pool
    )
    if pool:
        lines.append(("flaky", f"SNAT {', '.join(pool)}"))
    if link.own:
        lines.append(("ink", f"own {', '.join(map(str, link.own.both))}"))
    if link.kni:
        lines.append(("soft", f"kni {', '.join(map(str, link.kni.both))}"))
    return lines


def _parts(words: Sequence[str]) -> list[str]:
    """The words, by commas, in as many lines as they take."""
    parts = [words[0]]
    for word in words[1:]:
        longer = f"{parts[-1]}, {word}"
        parts[-1:] = [longer] if len(longer) <= _COLUMNS else [parts[-1], word]
    return parts


def _port(shapes: list[Shape], lines: list[tuple[str, str]], place: _Place, y: float) -> None:
    for index, (colour, text) in enumerate(lines):
        shown = shorten(text, 11, place.right - place.left - 50, MONO)
        at = y + (index + 1) * _LINE - 3
        bold = colour in ("pass", "flaky")
        shapes.append(Words(place.middle, at, shown, 11, "middle", colour, bold, MONO))


def _draw_below(
    topology: Topology, places: Mapping[str, _Place], bus: float, shapes: list[Shape], say: Say
) -> float:
    if not places:
        return bus - 20
    for name, place in places.items():
        machines = [
            (server, machine)
            for server, machine in (*topology.real_servers.items(), *topology.clients.items())
            if machine.link == name
        ]
        _bus(topology, shapes, name, place, bus, bus - 8)
        width = (place.right - place.left - 40) / max(len(machines), 1)
        for index, (server, machine) in enumerate(machines):
            box = min(width - 14, 230)
            x = place.left + 20 + index * width + (width - box) / 2
            shapes.append(Line(x + box / 2, bus, x + box / 2, bus + 22, "soft"))
            word = "real server" if server in topology.real_servers else "client"
            _machine(shapes, x, bus + 22, box, server, machine, say(word))
    return bus + 22 + _MACHINE


def _machine(
    shapes: list[Shape],
    x: float,
    y: float,
    width: float,
    name: str,
    machine: Machine,
    word: str,
) -> None:
    shapes.append(Box(x, y, width, _MACHINE, "ink", 0.03))
    shapes.append(Words(x + width / 2, y + 17, f"{name} ({word})", 12, "middle", bold=True))
    for index, address in enumerate(machine.both):
        text = shorten(str(address), 11, width - 6, MONO)
        shapes.append(
            Words(x + width / 2, y + 33 + index * 15, text, 11, "middle", "ink", font=MONO)
        )


def _addresses(machine: Machine) -> str:
    return ", ".join(map(str, machine.both))


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
