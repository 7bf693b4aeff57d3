"""What the control plane says about the state: plain values for the tools to print."""

from __future__ import annotations

from softlab.packet import multicast_mac

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from softlab.simulated.core import DataPath
    from softlab.simulated.ports import Port
    from softlab.simulated.routes import Route
    from softlab.simulated.services import Service
    from softlab.simulated.versions import Version
    from softlab.simulated.wire import Value

_LOOPS_PER_SECOND = 350_000


def addresses(path: DataPath, port: Port | None, lcores: Iterable[int], now: float) -> list[Value]:
    """Addresses of one port or all, once per lcore; the master counts for all workers."""
    entries = path.addresses.of_port(port.index) if port else path.addresses.all()
    listed: list[Value] = []
    for lcore in lcores:
        for entry in entries:
            own = lcore != path.settings.master
            pools = [entry.pools[lcore]] if own and entry.pools else list(entry.pools.values())
            left = int(entry.valid - (now - entry.born)) if entry.valid else 0
            listed.append(
                {
                    "lcore": lcore,
                    "addr": entry.addr,
                    "plen": entry.plen,
                    "scope": entry.scope,
                    "dev": path.ports[entry.port].name,
                    "bcast": entry.bcast,
                    "left": left,
                    "sapool": entry.sapool,
                    "used": sum(pool.used for pool in pools),
                    "free": sum(pool.free for pool in pools),
                    "miss": sum(pool.miss for pool in pools),
                }
            )
    return listed


def multicast(port: Port) -> Value:
    """The groups of a port."""
    return {"index": port.index, "name": port.name, "groups": list(port.groups)}


def routes(path: DataPath, entries: Sequence[Route], port: Port | None) -> list[Value]:
    """Routes of one port or all."""
    return [
        {
            "kind": route.kind,
            "dst": route.dst,
            "plen": route.plen,
            "gateway": route.gateway,
            "src": route.src,
            "dev": path.ports[route.port].name,
            "mtu": route.mtu,
            "metric": route.metric,
        }
        for route in entries
        if port is None or route.port == port.index
    ]


def neighbours(path: DataPath, port: Port | None) -> list[Value]:
    """Neighbours of one port or all, lcore by lcore."""
    return [
        {
            "addr": entry.addr,
            "hardware": entry.hardware,
            "state": entry.state,
            "dev": path.ports[entry.port].name,
            "lcore": lcore,
            "static": entry.static,
        }
        for lcore in path.workers
        for entry in path.neighbours[lcore].all()
        if port is None or entry.port == port.index
    ]


def link(path: DataPath, port: Port) -> Value:
    """What ``dpip link show`` says of a port."""
    hardware = not port.is_software
    offloads = []
    if hardware:
        offloads = ["OF_RX_IP_CSUM", "OF_TX_IP_CSUM", "OF_TX_TCP_CSUM", "OF_TX_UDP_CSUM"]
    if path.version.fast_free and port.fast_free:
        offloads.append("OF_TX_FAST_FREE")
    flags = []
    if port.promisc:
        flags.append("promisc")
    if port.allmulticast and path.version.allmulticast and hardware:
        flags.append("allmulticast")
    if port.forward2kni:
        flags.append("foward2kni")
    if port.tc_egress:
        flags.append("tc-egress")
    if port.tc_ingress:
        flags.append("tc-ingress")
    if port.lldp and path.version.lldp:
        flags.append("lldp")
    return {
        "index": port.index,
        "name": port.name,
        "socket": port.socket,
        "mtu": port.mtu,
        "rx": port.rx_queues,
        "tx": port.tx_queues,
        "status": "UP" if port.up else "DOWN",
        "speed": port.speed,
        "negotiation": "auto-nego" if hardware else "fixed-nego",
        "flags": flags,
        "hardware": port.hardware,
        "offloads": offloads,
    }


def link_stats(path: DataPath, port: Port) -> Value:
    """Packets and bytes of a port."""
    return {
        "ipackets": port.ipackets,
        "opackets": port.opackets,
        "ibytes": port.ibytes,
        "obytes": port.obytes,
        "ierrors": 0,
        "oerrors": port.oerrors,
        "imissed": 0,
        "rx_nombuf": 0,
        "avail": path.settings.pktpool_size,
        "inuse": 0,
    }


def link_xstats(port: Port) -> list[tuple[str, int]]:
    """Extended statistics, in the driver's order."""
    entries = [
        ("rx_good_packets", port.ipackets),
        ("tx_good_packets", port.opackets),
        ("rx_good_bytes", port.ibytes),
        ("tx_good_bytes", port.obytes),
        ("rx_missed_errors", 0),
        ("rx_errors", 0),
        ("tx_errors", port.oerrors),
        ("rx_mbuf_allocation_errors", 0),
    ]
    if port.rx_queues == 1:
        entries += [
            ("rx_q0_packets", port.ipackets),
            ("rx_q0_bytes", port.ibytes),
            ("rx_q0_errors", 0),
            ("tx_q0_packets", port.opackets),
            ("tx_q0_bytes", port.obytes),
        ]
    return entries


# max rx queues, max tx queues, MACs, hash MACs, VFs, VMDq pools, rx and tx offloads, RETA size,
# hash key size, RSS offloads, VMDq queue base and number, rx descriptors (max, min, align),
# VMDq pool base, tx descriptors (max, min, align), speeds; min buffer and max packet first.
_IXGBE = (
    1024, 15872, 128, 64, 127, 4096, 0, 64, 0x6A5F, 0x2803F, 128, 40, 0x38D34, 0, 128,
    4096, 32, 8, 0, 4096, 32, 8, 288,
)  # fmt: skip


def _software(version: Version, queues: int) -> tuple[int, ...]:
    sizes = (0, version.vdev_longest, queues, queues, 1, 0, 0, 0)
    offloads = (version.vdev_rx_offloads, version.vdev_tx_offloads)
    return (*sizes, *offloads, 0, 0, 0, 0, 0, 65535, 0, 1, 0, 65535, 0, 1, 0)


def link_details(path: DataPath, port: Port) -> Value:
    """What ``dpip -v link show`` adds."""
    software = port.is_software
    shows_groups = path.version.shows_hardware_groups or not software
    groups = [multicast_mac(group) for group in port.groups] if shows_groups else []
    return {
        "pci": path.version.vdev_address if software else port.pci,
        "driver": port.driver,
        "ifindex": port.ifindex,
        "details": list(_software(path.version, port.max_queues) if software else _IXGBE),
        "queues": queue_lines(path, [port]),
        "multicast": _recorded_order(groups),
    }


def _recorded_order(groups: list[bytes]) -> list[bytes]:
    """Hardware groups: those of addresses, newest first, before all-nodes and all-routers."""
    common = [b"\x33\x33\x00\x00\x00\x01", b"\x33\x33\x00\x00\x00\x02"]
    return [g for g in groups if g not in common] + [g for g in common if g in groups]


def queue_lines(path: DataPath, ports: Sequence[Port]) -> list[str]:
    """A line per queue number with the cpus that serve it on each port."""
    every = [q for port in path.ports for q in (*port.queues, *port.tx_workers)]
    lines = []
    for number in range(max(every, default=-1) + 1):
        cells = []
        for port in ports:
            rx = f"cpu{port.queues[number]}" if number in port.queues else "xx"
            tx = f"cpu{port.tx_workers[number]}" if number in port.tx_workers else "xx"
            cells.append(f"{f'{rx}-{tx}':<25}")
        lines.append(f"    {f'rx{number}-tx{number}':<12}" + "".join(cells))
    return lines


def lcore(path: DataPath, number: int) -> Value:
    """Queues of an lcore, pairwise as the tool prints them."""
    pairs = []
    for port in path.ports:
        rx = sorted(q for q, owner in port.queues.items() if owner == number)
        tx = sorted(q for q, owner in port.tx_workers.items() if owner == number)
        for at in range(max(len(rx), len(tx))):
            pairs.append(f"{port.name}:rx{rx[at]}" if at < len(rx) else "--")
            pairs.append(f"{port.name}:tx{tx[at]}" if at < len(tx) else "--")
    return {"lcore": number, "socket": _socket_of(number), "queues": pairs}


def _socket_of(number: int) -> int:
    from pathlib import Path

    for node in sorted(Path("/sys/devices/system/node").glob("node[0-9]*")):
        if (node / f"cpu{number}").exists():
            return int(node.name[4:])
    return 0


def lcore_stats(path: DataPath, number: int, now: float) -> Value:
    """Counters of an lcore. The real one spins; its loops are those it would have made."""
    stats = path.lcores[number]
    loops = int((now - stats.started) * _LOOPS_PER_SECOND)
    worker = number in path.workers
    queues = sum(1 for port in path.ports for owner in port.queues.values() if owner == number)
    bursts = loops * queues if worker else 0
    return {
        "lcore_loop": loops,
        "pktburst": bursts,
        "zpktburst": max(bursts - stats.ipackets, 0),
        "fpktburst": 0,
        "z2hpktburst": bursts,
        "h2fpktburst": 0,
        "dropped": stats.dropped,
        "ipackets": stats.ipackets,
        "ibytes": stats.ibytes,
        "opackets": stats.opackets,
        "obytes": stats.obytes,
    }


def service(svc: Service, lcores: Sequence[int]) -> Value:
    """A service and its servers with the counts of some lcores."""
    return {
        "proto": svc.proto,
        "vip": svc.addr,
        "vport": svc.port,
        "scheduler": svc.scheduler,
        "conn_timeout": svc.conn_timeout,
        "proxy": svc.proxy,
        "dest_check": svc.dest_check,
        "dests": [
            {
                "addr": dest.addr,
                "port": dest.port,
                "weight": dest.weight,
                "forward": dest.forward,
                "max_conn": dest.max_conn,
                "min_conn": dest.min_conn,
                "active": sum(dest.actconns[lcore] for lcore in lcores),
                "inactive": sum(dest.inactconns[lcore] for lcore in lcores),
                "overload": any(dest.overloaded(lcore) for lcore in lcores),
                "stats": [
                    sum(column) for column in zip(*(dest.stats[n] for n in lcores), strict=True)
                ],
            }
            for dest in svc.dests
        ],
    }


def connections(path: DataPath) -> list[Value]:
    """Every connection, lcore by lcore."""
    return [
        {
            "lcore": number,
            "proto": conn.proto,
            "timeout": conn.timeout,
            "state": conn.state,
            "client": (conn.caddr, conn.cport),
            "virtual": (conn.vaddr, conn.vport),
            "local": (conn.laddr, conn.lport),
            "server": (conn.daddr, conn.dport),
        }
        for number in path.workers
        for conn in path.connections[number].all()
    ]
