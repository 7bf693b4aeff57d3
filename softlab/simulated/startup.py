"""Starting the device: what it reads and checks, in the order and with the words of the real one
(src/main.c, src/netif.c). Whatever is wrong ends the process the way it really ends."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from softlab.simulated import conftree, hugefiles, kni, lcores
from softlab.simulated.bonds import MODES
from softlab.simulated.conf import Configuration, Crash, Reader
from softlab.simulated.hardware import Host, Nic, NoHugepagesError
from softlab.simulated.log import Log
from softlab.simulated.quirks import Quirks
from softlab.simulated.settings import Settings
from softlab.simulated.versions import BUILD_DATE, Version

_MBUF_BYTES = 2304 + 64 + 64
_TC_MBUF_BYTES = 64 + 24 + 104
_CONN_BYTES = 576 + 64 + 64
_BASE_BYTES = 540 << 20
_ELEMENTS = (
    (64, 32767), (128, 16383), (256, 8191), (512, 4095), (1024, 2047), (2048, 1023),
    (4096, 511), (8192, 255), (16384, 127), (32768, 63), (65536, 31), (131072, 15),
)  # fmt: skip

_NEIGHBOUR_ELEMENTS = ((64, 16383), (128, 8191), (256, 4095))
_CALLBACKS = 0xFFF9D720


class Options:
    """The command line: files of this instance, and EAL's options."""

    def __init__(self, version: Version) -> None:
        self.conf = version.conf_file
        self.pid_file = version.pid_file
        self.ipc_file = version.ipc_file
        self.eal: dict[str, str] = {}
        self.vdevs: list[str] = []
        self.pci = True

    @property
    def prefix(self) -> str:
        return self.eal.get("--file-prefix", "rte")


class Startup:
    """Everything up to the moment the device answers."""

    def __init__(self, version: Version, options: Options, quirks: Quirks) -> None:
        self.version = version
        self.options = options
        self.quirks = quirks
        self.log = Log()
        self.host = Host(options.vdevs, pci=options.pci)
        self.config = Configuration()
        self.cpus: dict[int, set[int]] = {}
        self.taps: list[kni.Tap] = []
        self.nics: list[Nic] = []

    def leave(self, text: str, before: str = "") -> None:
        """DPDK's way out: the reason goes where the log goes, and the status is 1."""
        self.log.raw(f"{before}EAL: Error - exiting with code: 1")
        self.log.raw(text)
        sys.stdout.write(f"current thread affinity is set to {_affinity():X}\n")
        sys.stdout.flush()
        os._exit(1)

    # -- EAL -----------------------------------------------------------------------------------

    def start_eal(self) -> None:
        """DPDK's part: cpus, memory, NICs."""
        detected = _count("/sys/devices/system/cpu", "cpu[0-9]*") or os.cpu_count() or 1
        nodes = _count("/sys/devices/system/node", "node[0-9]*") or 1
        if self.version.late_dpdk:
            lines = [f"Detected CPU lcores: {detected}", f"Detected NUMA nodes: {nodes}"]
        else:
            lines = [f"Detected {detected} lcore(s)", f"Detected {nodes} NUMA nodes"]
        if self.version.lcore_tables:
            lines.append("Detected static linkage of DPDK")
        lines.append(f"Multi-process socket /var/run/dpdk/{self.options.prefix}/mp_socket")
        if self.version.lcore_tables:
            lines.append("Selected IOVA mode 'PA'")
        for line in lines:
            self.log.say("INFO", "EAL", line)
        try:
            self.cpus = lcores.of_eal(self.options.eal, detected)
        except ValueError:
            self.log.say("ERR", "EAL", "invalid coremask or corelist")
            self.leave("Invalid EAL parameters")
        try:
            self.host.reserve(2 << 20, hold=False)
        except NoHugepagesError:
            for node in range(nodes):
                text = f"No free 2048 kB hugepages reported on node {node}"
                self.log.say("INFO", "EAL", text)
            self.log.say("ERR", "EAL", "Cannot get hugepage information.")
            self.leave("Invalid EAL parameters")
        self.nics = self.host.nics()
        if not self.version.late_dpdk:
            self.log.say("INFO", "EAL", "Probing VFIO support...")

    # -- configuration ---------------------------------------------------------------------------

    def read_configuration(self) -> None:
        """The device's own first lines, then dpvs.conf."""
        release = f"dpvs version: {self.version.release}, build on {BUILD_DATE}"
        self.log.say("INFO", "DPVS", release)
        if self.version.options:
            self.log.say("INFO", "DPVS", f"dpvs-conf-file: {self.options.conf}")
            self.log.say("INFO", "DPVS", f"dpvs-pid-file: {self.options.pid_file}")
            self.log.say("INFO", "DPVS", f"dpvs-ipc-file: {self.options.ipc_file}")
        reader = Reader(self.version, conftree.tree(self.version), self.log.say, self.log.set)
        try:
            self.config = reader.read(self.options.conf)
        except Crash as crash:
            self._survive(crash)

    # -- netif -----------------------------------------------------------------------------------

    def check(self) -> Settings:
        """Ports against devices, queues against lcores; the settings the data path runs with."""
        config = self.config
        pools = config.pktpool_size * (_MBUF_BYTES + _TC_MBUF_BYTES)
        try:
            self.host.reserve(pools, hold=False)
        except NoHugepagesError:
            self.leave("Cannot init mbuf pool on socket 0")
        if not self.nics:
            self.leave(
                "No dpdk ports found!\nPossibly nic or driver is not dpdk-compatible.\n".rstrip()
            )
        configured = len(config.devices) + len(config.bonds)
        if configured < len(self.nics):
            self.leave(f"ports in DPDK RTE ({len(self.nics)}) != ports in dpvs.conf({configured})")
        self._relate_bonds()
        if config.kni or not self.version.kni_switch:
            self._make_knis()
        for lcore in sorted(self.cpus, reverse=True):
            text = f"[{lcore:02d}] timer initialized 0x5560{_CALLBACKS + 256 * lcore:08x}."
            self.log.say("DEBUG", "DTIMER", text)
        for text in lcores.status_lines(set(self.cpus), tables=self.version.lcore_tables):
            self.log.say("INFO", "NETIF", text)
        self._check_lcores()
        settings = self._settings()
        self._survive(lcores.twice_used(config, settings.master))
        roles = lcores.role_lines(settings, set(self.cpus), tables=self.version.lcore_tables)
        for text in roles:
            self.log.say("INFO", "NETIF", text)
        for lcore in settings.workers:
            text = f"master_xmit_msg registered on lcore #{lcore}"
            self.log.say("DEBUG", "NETIF", f"[netif_register_master_xmit_msg] {text}")
        return settings

    def _check_lcores(self) -> None:
        config = self.config
        self._survive(lcores.crash(config))
        code, said = lcores.check(config, len(self.nics) + len(config.bonds), len(self.cpus))
        if code:
            # What is said before has no end of line.
            self.leave(self.version.lcore_error.format(code), f"NETIF: {said}" if said else "")
        serving = [worker.cpu for worker in lcores.workers_of(config) if worker.ports]
        if self.version.lcore_tables and not set(serving) <= set(self.cpus):
            cause = "cause: non-EAL thread lcore"
            self.leave(f"netif_lcore_init: lcore_index_init failed ({cause}), exit ...")

    def _survive(self, crash: Crash | None) -> None:
        if crash is None:
            return
        if crash.text:
            sys.stderr.write(f"dpvs: {crash.text}\n")
            sys.stderr.flush()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(crash.number, signal.SIG_DFL)
        os.kill(os.getpid(), crash.number)

    def _device(self, index: int) -> str:
        names = [device.name for device in self.config.devices]
        return names[index] if index < len(names) else f"dpdk{index}"

    def _nic_of(self, device: str) -> Nic:
        return next(nic for index, nic in enumerate(self.nics) if self._device(index) == device)

    def _relate_bonds(self) -> None:
        """Bonds and their members (netif_vdevs_add, relate_bonding_device)."""
        known = {self._device(index) for index in range(len(self.nics))}
        taken: set[str] = set()
        for bond in self.config.bonds:
            if bond.mode not in MODES:
                self.leave(f"the simulated DPVS has no bonds of mode {bond.mode}")
            made = f"created bondig device {bond.name}: mode={bond.mode}"
            primary = bond.primary or (bond.members[0] if bond.members else "")
            text = f"{made}, primary={primary}, numa_node={bond.numa_node}"
            self.log.say("INFO", "NETIF", text)
            for member in bond.members:
                where = "relate_bonding_device: "
                if member not in known:
                    text = f"{where}bonding slave device {member} not found"
                elif member in taken:
                    text = f"{where}device {member} is slave of {bond.name} already"
                else:
                    taken.add(member)
                    continue
                self.log.say("ERR", "NETIF", text)
                self.leave("relate_bonding_device fail, exiting...")

    def _make_knis(self) -> None:
        names = {}
        members = {name for bond in self.config.bonds for name in bond.members}
        for index, nic in enumerate(self.nics):
            if self._device(index) in members:
                continue
            device = self.config.devices[index] if index < len(self.config.devices) else None
            name = device.kni_name if device and device.kni_name else f"dpdk{index}.kni"
            names[index] = (name, nic.hardware)
        for at, bond in enumerate(self.config.bonds):
            primary = self._nic_of(bond.primary or bond.members[0])
            name = bond.kni_name or f"{bond.name}.kni"
            names[len(self.nics) + at] = (name, primary.hardware)
        try:
            self.taps = kni.create(names, self.host.open_device, virtio=self.version.kni_virtio)
        except kni.KniError as error:
            for line in error.args:
                self.log.raw(line)
            self.leave("add KNI port fail, exiting...")

    def _settings(self) -> Settings:
        config = self.config
        main = self.options.eal.get("--main-lcore") or self.options.eal.get("--master-lcore")
        master = int(main) if main else min(self.cpus)
        every = [worker for worker in lcores.workers_of(config) if worker.ports]
        kni_workers = [worker.cpu for worker in every if worker.role == "kni"]
        icmp = [worker.cpu for worker in config.workers if worker.icmp]
        workers = tuple(worker.cpu for worker in every if worker.role == "slave")
        return Settings(
            master=master,
            workers=workers,
            kni_core=kni_workers[0] if kni_workers else None,
            icmp_core=icmp[0] if icmp and icmp[0] in workers else None,
            flow_enable=config.flow_enable,
            redirect=config.redirect,
            pool_hash_size=config.pool_hash_size,
            neighbour_timeout=config.neighbour_timeout,
            neighbour_queue=config.neighbour_queue,
            uoa_mode=config.uoa_mode,
            uoa_max_trail=config.uoa_max_trail,
            fast_xmit=config.fast_xmit,
            defence_tcp=config.defence_tcp,
            defence_udp=config.defence_udp,
            ipv6_disabled=config.ipv6_disabled,
            kni=bool(self.taps),
            lldp=config.lldp,
            forwarding=config.ipv4_forwarding,
            default_ttl=config.default_ttl,
            pktpool_size=config.pktpool_size,
            conn_pool_size=config.conn_pool_size,
            timeouts=config.timeouts,
        )

    # -- memory and control ----------------------------------------------------------------------

    def reserve_memory(self, settings: Settings) -> None:
        """The rest of the hugepages, held from now on."""
        config = self.config
        need = _BASE_BYTES + config.pktpool_size * (_MBUF_BYTES + _TC_MBUF_BYTES)
        try:
            self.host.reserve(need, hold=False)
        except NoHugepagesError:
            self.log.say("ERR", "MSGMGR", "ctrl_init: msg module initialization failed!")
            self.leave("failed to init ctrl: no memory")
        for size, number in _ELEMENTS:
            text = f"elem mempool created: mp_msg_s{size}_n{number}."
            self.log.say("INFO", "DPVS_MPOOL", text)
        text = "dpvs_mempool_create: create mempool mp_msg: obj_size 64->131072, arr_size 12"
        self.log.say("INFO", "DPVS_MPOOL", f"{text}, pool_mem 2048KB")
        self._memory_of_modules(settings, need)

    def _memory_of_modules(self, settings: Settings, need: int) -> None:
        """What the modules say of the memory they took, and what comes on top of ``need``."""
        lines = ["msg_init: built-in msg registered:"]
        width = 2 if self.version.lcore_tables else 4
        for lcore in (settings.master, *settings.workers):
            kinds = (1, 2) if lcore == settings.master else (1, 2, 5)
            lines += [
                f"mt_array[{lcore:<2d}][{kind:<{width}d}] type {kind:<9d} mode UNICAST       "
                f"unicast_cb 0x5560{_CALLBACKS + 512 * kind:08x}    multicast_cb (nil)"
                for kind in kinds
            ]
        self.log.say("INFO", "MSGMGR", "\n".join([*lines, ""]))
        for size, number in _NEIGHBOUR_ELEMENTS:
            text = f"elem mempool created: neigh_mempool_s{size}_n{number}."
            self.log.say("INFO", "DPVS_MPOOL", text)
        text = "dpvs_mempool_create: create mempool neigh_mempool: obj_size 64->256, arr_size 3"
        self.log.say("INFO", "DPVS_MPOOL", f"{text}, pool_mem 1024KB")
        for _ in (settings.master, *settings.workers):
            size = 33554560 if self.version.late_dpdk else 25165952
            text = f"rte_ip_frag_table_create: allocated of {size} bytes at socket 0"
            self.log.say("INFO", "IPFRAG" if self.version.late_dpdk else "USER1", text)
        if self.version.lldp:
            text = "lldp_serail_number_init: fail to open serial number file"
            self.log.say("WARNING", "LLDP", text)
        try:
            whole = need + self.config.conn_pool_size * _CONN_BYTES
            self.host.reserve(whole, hold=True, files=self._hugepage_files())
        except NoHugepagesError:
            self.log.say("ERR", "IPVS", "fail to init conn: no memory")
            self.leave("failed to init ipvs: no memory")
        self.log.say("DEBUG", "IPVS", "ipvs inialized.")

    def _hugepage_files(self) -> list[str]:
        if not self.host.emulated:
            return []
        hugefiles.runtime(self.options.prefix)
        place = hugefiles.folder(self.options.eal.get("--huge-dir"))
        nodes = _count("/sys/devices/system/node", "node[0-9]*") or 1
        return [] if place is None else hugefiles.make(place, self.options.prefix, nodes)


def _affinity() -> int:
    return sum(1 << cpu for cpu in os.sched_getaffinity(0))


def _count(folder: str, pattern: str) -> int:
    return len(list(Path(folder).glob(pattern)))
