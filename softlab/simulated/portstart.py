"""The ports of a starting device: made of what dpvs.conf says, configured, waited for
(src/netif.c, netif_port_start), with the lines that the real device logs meanwhile."""

from __future__ import annotations

import time

from softlab.packet import link_local, mac_text
from softlab.simulated import hosts, interfaces, report
from softlab.simulated.addresses import SCOPE_LINK, IfAddr
from softlab.simulated.bonds import Bond
from softlab.simulated.ports import Link, Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Configuration, Device
    from softlab.simulated.core import DataPath, Frames
    from softlab.simulated.hardware import Nic
    from softlab.simulated.settings import Settings
    from softlab.simulated.startup import Startup

# Seconds that a port may take until its link is up.
_PATIENCE = 30.0
_RSS = {"ip": 0xA38C, "tcp": 0x10410, "udp": 0x20820, "sctp": 0x1040, "all": 0x3AFBC}


def make(config: Configuration, settings: Settings, nics: list[Nic]) -> list[Port]:
    """The ports with the queues their workers serve."""
    made = []
    for index, nic in enumerate(nics):
        device: Device | None = None
        if index < len(config.devices):
            device = config.devices[index]
        name = device.name if device else f"dpdk{index}"
        rx, tx = _queues(config, settings, name)
        port = Port(
            index,
            name,
            nic.hardware,
            socket=nic.numa_node,
            mtu=device.mtu if device else 1500,
            rx_queues=len(rx),
            tx_queues=len(tx),
            pci=nic.pci,
            driver=nic.driver,
            ifindex=nic.ifindex,
            kni_name=device.kni_name if device else "",
            link=nic.link_now,
            max_queues=nic.queues,
            queues=rx,
            tx_workers=tx,
        )
        port.lldp = True
        if device:
            port.asked_rx, port.asked_tx = device.rx_queues, device.tx_queues
            port.rss = device.rss
            port.promisc = device.promisc
            port.allmulticast = device.allmulticast
            port.fast_free = device.fast_free
        made.append(port)
    return made


def make_bonds(path: DataPath, config: Configuration, settings: Settings) -> None:
    """The bonds, as ports after those of the NICs; a member has the bond's queues."""
    for bonding in config.bonds:
        members = [port for port in path.ports if port.name in bonding.members]
        members.sort(key=lambda port: bonding.members.index(port.name))
        primary = next((m for m in members if m.name == bonding.primary), members[0])
        rx, tx = _queues(config, settings, bonding.name)
        port = Port(
            len(path.ports),
            bonding.name,
            primary.hardware,
            socket=bonding.numa_node,
            mtu=primary.mtu,
            rx_queues=len(rx),
            tx_queues=len(tx),
            pci=path.version.vdev_address,
            driver="net_bonding",
            kni_name=bonding.kni_name,
            max_queues=primary.max_queues,
            queues=rx,
            tx_workers=tx,
        )
        port.lldp, port.rss, port.fast_free = True, primary.rss, primary.fast_free
        port.promisc, port.allmulticast = primary.promisc, primary.allmulticast
        for member in members:
            member.rx_queues, member.tx_queues = len(rx), len(tx)
            member.socket = port.socket
        path.ports.append(port)
        bond = Bond(port, members, bonding.mode, primary, lambda name: path.quirks.has(name))
        bond.choose()
        path.bonds[port.index] = bond


def _queues(
    config: Configuration, settings: Settings, name: str
) -> tuple[dict[int, int], dict[int, int]]:
    """The receive and the transmit queues of a port, with the lcore that serves each."""
    rx: dict[int, int] = {}
    tx: dict[int, int] = {}
    for worker in config.workers:
        for queues in worker.ports:
            if queues.port == name and worker.cpu in settings.workers:
                rx.update(dict.fromkeys(queues.rx, worker.cpu))
                tx.update(dict.fromkeys(queues.tx, worker.cpu))
    return rx, tx


def _rss(kinds: str) -> int:
    """DPDK's bits for dpvs.conf's words."""
    bits = 0
    for kind in kinds.split("|"):
        bits |= _RSS.get(kind.strip(), 0)
    return bits


class BringUp:
    """Starts the ports of a device one after the other."""

    def __init__(self, path: DataPath, startup: Startup) -> None:
        self._path = path
        self._host = startup.host
        self._log = startup.log
        self._leave = startup.leave
        version = self._version = startup.version
        wanted = startup.config.address_mode != "none" and not path.settings.ipv6_disabled
        self._link_local = wanted and version.link_local
        self._frames: Frames = []

    def run(self, now: float) -> Frames:
        """Start each port; one without queues or without link is skipped. What they send."""
        path = self._path
        for port in path.ports:
            if not port.rx_queues and not port.tx_queues:
                text = f"netif_port_start: no queues to setup for {port.name}"
                self._log.say("WARNING", "NETIF", text)
                self._skipped(port)
                continue
            self._configure(port)
            if path.bond_of(port.index) is not None:
                continue  # it starts with its bond
            if self._wait(port):
                self._started(port, now)
        serving = [port for port in path.ports if port.queues or port.tx_workers]
        head = "".join(f"{f'{port.name}: {mac_text(port.hardware)} ':<25}" for port in serving)
        lines = [f"    {'':<12}{head}", *report.queue_lines(path, serving), ""]
        title = "port-queue-lcore relation array: "
        title = title if self._version.lcore_tables else f"\n{title}"
        self._log.say("INFO", "DPVS", f"{title}\n" + "\n".join(lines))
        return self._frames

    def _skipped(self, port: Port) -> None:
        self._log.say("WARNING", "DPVS", f"Start {port.name} failed, skipping ...")

    def _configure(self, port: Port) -> None:
        version = self._version
        for kind, served, asked in (
            ("rx", port.rx_queues, port.asked_rx),
            ("tx", port.tx_queues, port.asked_tx),
        ):
            if 0 < asked < served:
                text = (
                    f"{port.name}: {kind}-queues configured in workers ({served}) != {kind}-queues"
                    f" configured in device ({asked}), setup {served} {kind}-queues for {port.name}"
                )
                self._log.say("WARNING", "NETIF", text)
        if max(port.rx_queues, port.tx_queues) > port.max_queues:
            most = f"{port.max_queues} rx-queues and {port.max_queues} tx-queues at max"
            both = f"{port.rx_queues} rx-queues and {port.tx_queues} tx-queues are configured."
            self._leave(f"netif_port_start: {port.name} supports {most}, but {both}")
        if version.device_fdir:
            self._log.say("INFO", "NETIF", f"{port.name}:dst_port_mask=0")
        if port.is_software:
            invalid = (
                ("rss_hf", _rss(port.rss), 0),
                ("rx_offload", 3 if version.late_dpdk else 2, version.vdev_rx_offloads),
                ("tx_offload", 0x10000 if port.fast_free else 0, version.vdev_tx_offloads),
            )
            for what, value, valid in invalid:
                if not value:
                    continue
                text = f"invalid {what}: {value:#x}, valid value: {valid:#x}"
                self._log.say("WARNING", "NETIF", f"Ethdev port_id={port.index} {text}")
        lines = [f"device {port.name} configuration:"]
        software = "RSS: Inhibited"
        lines.append(software if port.is_software else "RSS: ETH_RSS_IP ETH_RSS_TCP ETH_RSS_UDP")
        if version.device_fdir:
            none, every = "0x00000000", "0xffffffff"
            rest = ":" + ":".join(["{0}"] * 3)
            none6, every6 = none + rest.format(none[2:]), every + rest.format(every[2:])
            lines += [
                f"fdir ipv4 mask: src {none} dst {every}",
                f"fdir ipv6 mask: src {none6} dst {every6}",
                "fdir port mask: src 0x0000 dst 0x0000",
                "",
            ]
        self._log.say("INFO", "NETIF", "\n".join([*lines, ""]))

    def _wait(self, port: Port) -> bool:
        text = f"Waiting for {port.name} link up, be patient ..."
        self._log.say("INFO", "NETIF", text)
        deadline = time.monotonic() + _PATIENCE
        while not port.up and time.monotonic() < deadline:
            time.sleep(0.1)
            port.up = self._host.links().get(port.pci, Link(up=False)).up
        if port.up:
            text = f">> {port.name}: link up - speed {port.speed} Mbps - full-duplex"
            self._log.say("INFO", "NETIF", text)
            return True
        self._log.say("ERR", "NETIF", f"netif_port_start: fail to bring up {port.name}")
        self._skipped(port)
        return False

    def _started(self, port: Port, now: float) -> None:
        path = self._path
        if port.promisc:
            text = f"promiscous mode enabled for device {port.name}"
            self._log.say("INFO", "NETIF", text)
        if port.allmulticast:
            text = f"allmulticast enabled for device {port.name}"
            self._log.say("INFO", "NETIF", text)
        if self._link_local:
            entry = IfAddr(
                port.index,
                link_local(port.hardware),
                64,
                SCOPE_LINK,
                b"",
                0,
                sapool=False,
                born=now,
            )
            self._frames += interfaces.add_address(path, entry)
        if not path.settings.ipv6_disabled:
            interfaces.join(path, port, hosts.ALL_NODES)
            interfaces.join(path, port, hosts.ALL_ROUTERS)
        for level, module, text in path.take_log():
            self._log.say(level, module, text)
        if not port.is_software:
            return
        if self._version.device_fdir:
            text = f"fail to flush FDIR filters for device {port.name}"
            self._log.say("WARNING", "NETIF", text)
            self._skipped(port)
            return
        if self._version.late_dpdk:
            text = f"Cannot update ethdev port {port.index} RSS RETA with zero size"
            self._log.say("ERR", "ETHDEV", text)
        text = f"{port.name} update rss reta failed (cause: failed dpdk api)"
        self._log.say("WARNING", "NETIF", f"netif_port_start: {text}")
