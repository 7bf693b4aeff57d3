"""Which lcores there are and what each serves: EAL's options and the check of dpvs.conf against
the ports (src/netif.c, check_lcore_conf)."""

from __future__ import annotations

import os
import signal

from softlab.simulated.conf import Crash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Configuration, Worker
    from softlab.simulated.settings import Settings

REPEATED_RX = -2
REPEATED_TX = -3
DISCONTINUOUS = -4
PORTS_NOT_ENOUGH = -5
WRONG_TX = -6
NO_WORKERS = -7

MAX_LCORES = 64


def parse_list(text: str) -> list[int]:
    """Numbers of ``0-2,5``; ValueError when it is not such a list."""
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


def _split_map(text: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append(part)
            part = ""
        else:
            part += char
    return [*parts, part]


def parse_map(text: str) -> dict[int, set[int]]:
    """lcore to cpus of EAL's ``--lcores``: ``0@0,1@1``, ``(0,1)@0``, ``0-3``."""
    found: dict[int, set[int]] = {}
    for part in _split_map(text):
        left, _, right = part.partition("@")
        lcores = parse_list(left.strip("()"))
        for lcore in lcores:
            found[lcore] = set(parse_list(right.strip("()"))) if right else {lcore}
    return found


def of_eal(options: dict[str, str], detected: int) -> dict[int, set[int]]:
    """lcore to cpus, as EAL's options say; all detected cpus without any."""
    if "--lcores" in options:
        return parse_map(options["--lcores"])
    if "-l" in options:
        return {lcore: {lcore} for lcore in parse_list(options["-l"])}
    if "-c" in options:
        mask = int(options["-c"], 16)
        return {lcore: {lcore} for lcore in range(MAX_LCORES) if mask >> lcore & 1}
    return {lcore: {lcore} for lcore in range(detected)}


def cpus_here(cpus: set[int]) -> set[int]:
    """The cpus of this machine that stand for those of the emulated one."""
    usable = sorted(os.sched_getaffinity(0))
    return {cpu if cpu in usable else usable[cpu % len(usable)] for cpu in cpus}


def control_cpus(cpus: dict[int, set[int]], master: int) -> set[int]:
    """Where DPDK's own threads run: on what no lcore has, else with the master."""
    free = os.sched_getaffinity(0) - {cpu for own in cpus.values() for cpu in cpus_here(own)}
    return free or cpus_here(cpus.get(master, {master}))


def workers_of(config: Configuration) -> list[Worker]:
    """The workers that are not the master, by cpu id."""
    return sorted(
        (worker for worker in config.workers if worker.role != "master"),
        key=lambda worker: worker.cpu,
    )


def status_lines(enabled: set[int], *, tables: bool) -> list[str]:
    """What the device logs of lcores: a table, or up to 1.8 a line for each."""
    every = range(MAX_LCORES)
    if not tables:
        return [
            f"netif_lcore_init: lcore{lcore} is {'enabled' if lcore in enabled else 'disabled'}"
            for lcore in every
        ]
    on = "".join(f"{lcore:4d}" for lcore in every if lcore in enabled)
    off = "".join(f"{lcore:4d}" for lcore in every if lcore not in enabled)
    return [f"LCORE STATUS\n\tenabled: {on}\n\tdisabled: {off}"]


def role_lines(settings: Settings, enabled: set[int], *, tables: bool) -> list[str]:
    """What the device logs of what its lcores do."""
    if not tables:
        names = dict.fromkeys(range(MAX_LCORES), "lcre_role_null")
        names.update(dict.fromkeys(settings.workers, "lcre_role_fwd_worker"))
        names[settings.master] = "lcre_role_master"
        return [f"[{lcore:02d}]: {name}" for lcore, name in names.items()]
    kni_core = [] if settings.kni_core is None else [settings.kni_core]
    roles: tuple[tuple[str, list[int]], ...] = (
        ("lcre_role_idle", sorted(enabled - {settings.master, *kni_core, *settings.workers})),
        ("lcre_role_master", [settings.master]),
        ("lcre_role_fwd_worker", list(settings.workers)),
        ("lcre_role_isolrx_worker", []),
        ("lcore_role_kni_worker", kni_core),
    )
    lines = [f"\t{role}: " + "".join(f"{n:<4d}" for n in numbers) for role, numbers in roles]
    return ["LCORE ROLES:\n" + "\n".join(lines)]


def crash(config: Configuration) -> Crash | None:
    """What of the configuration the device does not survive, before it even checks it."""
    names = [device.name for device in config.devices]
    names += [bond.name for bond in config.bonds]
    if len(set(names)) < len(names):
        return Crash(signal.SIGSEGV)
    for worker in workers_of(config):
        if worker.cpu >= MAX_LCORES:
            where = "netif.c:1251: config_lcores"
            return Crash(signal.SIGABRT, f"{where}: Assertion `worker_min != NULL' failed.")
        if any(queues.port not in names for queues in worker.ports):
            return Crash(signal.SIGSEGV)
    return None


def twice_used(config: Configuration, master: int) -> Crash | None:
    """Two workers, or one and the master, on one lcore."""
    seen = {master}
    for worker in workers_of(config):
        if worker.ports and worker.cpu in seen:
            where = "netif.c:1469: lcore_role_init"
            text = f"{where}: Assertion `g_lcore_role[cid] == LCORE_ROLE_IDLE' failed."
            return Crash(signal.SIGABRT, text)
        seen.add(worker.cpu)
    return None


def check(config: Configuration, ports: int, lcores: int) -> tuple[int, str]:
    """(0, "") or (the device's error code, the line it logs with it)."""
    workers = [worker for worker in workers_of(config) if worker.ports][:lcores]
    rx_seen: set[tuple[str, int]] = set()
    tx_seen: set[tuple[str, int]] = set()
    for worker in workers:
        if len(worker.ports) > ports:
            return PORTS_NOT_ENOUGH, ""
        for queues in worker.ports:
            for queue in queues.rx:
                if (queues.port, queue) in rx_seen:
                    return REPEATED_RX, f"rx qid: {queue} for cid: {worker.cpu} is already used."
                rx_seen.add((queues.port, queue))
            for queue in queues.tx:
                if (queues.port, queue) in tx_seen:
                    return REPEATED_TX, f"tx qid: {queue} for cid: {worker.cpu} is already used."
                tx_seen.add((queues.port, queue))
    if not workers:
        return NO_WORKERS, ""
    named = {queues.port for worker in workers for queues in worker.ports}
    for seen in (rx_seen, tx_seen):
        for port in named:
            numbers = {queue for name, queue in seen if name == port}
            if numbers != set(range(len(numbers))):
                return DISCONTINUOUS, ""
    for worker in workers:
        if len(worker.ports) != len(named) or any(not queues.tx for queues in worker.ports):
            return WRONG_TX, ""
    return 0, ""
