"""DPVS versions, and the one table of everything that differs between them.

The tags are those at which upstream's sources changed (`git diff` between release tags); where a
note and a tag disagreed, the tag was taken. Only the list of dpvs.conf's keywords has versions too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

_Value = TypeVar("_Value")
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})[.-]([0-9]{1,4})")


class UnknownVersionError(ValueError):
    """Text that is no DPVS version, or a version older than the oldest in the table."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A DPVS release. Upstream writes 1.10-2 in `dpvs -v` and 1.10.2 in tags: the same here."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """`1.10-2`, `1.10.2` or `v1.10.2`; raises UnknownVersionError."""
        found = _VERSION.fullmatch(text.strip())
        if found is None:
            raise UnknownVersionError(
                f"{text!r} is not a DPVS version: expected a form like 1.10.2 or 1.10-2"
            )
        return cls(int(found[1]), int(found[2]), int(found[3]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def dashed(self) -> str:
        """As `dpvs -v` and `dpip -V` write it: 1.10-2."""
        return f"{self.major}.{self.minor}-{self.patch}"


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What is true of one version. Made by `facts()`; every field is one row of the table."""

    version: Version
    """The version that these facts are of."""

    dpdk: str
    """The DPDK release that this version is built on; 1.10 panics on an older one (main.c)."""

    conf_path: str
    """Where dpvs looks for its configuration unless told otherwise."""

    pid_file: str
    """Where dpvs writes its process id unless told otherwise."""

    ipc_path: str
    """The unix socket between dpvs and its tools unless told otherwise."""

    ipc_env: str | None
    """The environment variable by which the tools find another socket; None: path built in."""

    ipc_keyword: bool
    """dpvs.conf may name the socket: ctrl_defs/ipc_msg/unix_domain."""

    daemon_paths: bool
    """dpvs takes -c CONF, -p PIDFILE and -x SOCKET; before that it refuses them."""

    main_lcore_option: str
    """EAL's name for the option that chooses the control-plane lcore."""

    allow_option: str
    """EAL's option that admits one PCI device."""

    worker_thread: str
    """Name of a data-plane thread in /proc/PID/task/*/comm, `{}` standing for the lcore id."""

    kni_kind: Literal["rte_kni", "virtio-user"]
    """What makes kni devices: the rte_kni module, or virtio-user over /dev/vhost-net."""

    kni_switch: bool
    """dpvs.conf can turn kni off: global_defs/kni."""

    fdir_blocks: bool
    """Each device of dpvs.conf has an fdir block. Later versions do not know the block, and its
    closing brace then ends the device: everything after it is lost."""

    sa_pool_flow_switch: bool
    """dpvs.conf can do without rte_flow (one worker): sa_pool/flow_enable."""

    mbuf_fast_free_switch: bool
    """dpvs.conf can turn the fast-free offload off, as two arms on two NUMA nodes need it."""

    icmp_redirect_core: bool
    """Worker keyword icmp_redirect_core exists, in builds with CONFIG_ICMP_REDIRECT_CORE: upstream
    leaves that option off, and such a build says `not supported keyword`."""

    lcore_error: str
    """How a bad worker and queue map is reported at start, `{}` standing for the code."""

    toa_on_syn: bool
    """TOA is already in the SYN towards the real server, not only in the packets after it."""

    toa_on_fin: bool
    """TOA is on a client's FIN that still acknowledges nothing of the real server (PR#666)."""

    toa_prunes: bool
    """Other options make room for TOA where there is none; before that it is left out silently."""

    synproxy_closes_window: bool
    """A synproxy's SYN-ACK always tells a window of 0; later only with close_client_window."""

    synproxy_sack: bool
    """A synproxy offers SACK though dpvs.conf says nothing of it."""

    server_port_copied: bool
    """`ipvsadm -a -r ADDR` without a port takes the service's port; later it stays 0."""

    ipvsadm_reports_version: bool
    """The header of `ipvsadm -ln` has DPVS's version; before that it has 0.0.0."""

    dpip_reports_version: bool
    """`dpip -V` has DPVS's version; before that it says dpip-v1.0.0."""

    ipvsadm_cpu: Literal["cid", "index"]
    """What `ipvsadm --cpu N` means: an lcore's id, or its place among the workers (0: master)."""

    laddr_delete: bool
    """`ipvsadm -Q` (delete a local address) works (#958)."""

    conn_timeout_flag: str
    """How `ipvsadm -ln` spells a service's connection timeout."""

    proxy_protocol: bool
    """Services can speak the proxy protocol."""

    dest_check: bool
    """Services can have passive health checks (dest-check), and real servers be `inhibited`."""

    sctp_and_quic: bool
    """SCTP services and the quic flag exist; access lists can name ipsets."""

    access_list_protocol_first: bool
    """`ipvsadm -B` and `-W` print PROTO before VIP:VPORT."""

    route_tos_and_outwall: bool
    """`dpip route` knows tos and `table outwall`; later it prints `tos 0` as a constant."""

    route_flush: str
    """The form of `dpip route flush`, `{}` standing for the device."""

    link_xstats: bool
    """`dpip -s -v link show` lists the driver's extended statistics."""

    lldp: bool
    """`dpip link show` has the flag lldp, and dpvs.conf the keyword."""

    link_local_addresses: bool
    """Ports get an fe80:: address by themselves, which `dpip addr show` lists."""

    vlan_delete_cleans: bool
    """Deleting a VLAN device takes its addresses and routes with it."""

    keepalived_restart_keeps_lips: bool
    """A restart of keepalived leaves the local addresses of its services alone."""

    many_cpus: bool
    """A machine with more than 64 CPUs needs no explicit -l."""


OLDEST = Version(1, 8, 0)


@lru_cache(maxsize=64)
def facts(version: Version) -> VersionFacts:
    """All facts of `version`; a version newer than the table has the newest facts.

    Raises UnknownVersionError for versions before 1.8.
    """
    if version < OLDEST:
        raise UnknownVersionError(
            f"DPVS {version} is older than {OLDEST}, the oldest that this suite knows"
        )

    def since(first: _Value, *changes: tuple[str, _Value]) -> _Value:
        """`first`, then each change's value from its version on."""
        value = first
        for at, changed in changes:
            if version >= Version.parse(at):
                value = changed
        return value

    return VersionFacts(
        version=version,
        dpdk=since("18.11.2", ("1.9.0", "20.11.1"), ("1.9.8", "20.11.10"), ("1.10.0", "24.11")),
        conf_path="/etc/dpvs.conf",
        pid_file="/var/run/dpvs.pid",
        ipc_path=since("/var/run/dpvs_ctrl", ("1.9.4", "/var/run/dpvs.ipc")),
        ipc_env=since(None, ("1.9.4", "DPVS_IPC_FILE")),
        ipc_keyword=since(True, ("1.9.6", False)),
        daemon_paths=since(False, ("1.9.4", True)),
        main_lcore_option=since("--master-lcore", ("1.9.0", "--main-lcore")),
        allow_option=since("-w", ("1.9.0", "-a")),
        worker_thread=since(
            "lcore-slave-{}", ("1.9.0", "lcore-worker-{}"), ("1.10.0", "dpdk-worker{}")
        ),
        kni_kind="virtio-user" if version >= Version(1, 10, 0) else "rte_kni",
        kni_switch=since(False, ("1.9.4", True)),
        fdir_blocks=since(True, ("1.9.0", False)),
        sa_pool_flow_switch=since(False, ("1.9.0", True)),
        mbuf_fast_free_switch=since(False, ("1.9.10", True)),
        icmp_redirect_core=since(False, ("1.8.10", True)),
        lcore_error=since(
            "bad lcore configuration (err={})",
            ("1.9.2", "bad lcore configuration (error code: {})"),
        ),
        toa_on_syn=since(True, ("1.9.6", False)),
        toa_on_fin=since(False, ("1.8.8", True)),
        toa_prunes=since(False, ("1.9.6", True)),
        synproxy_closes_window=since(True, ("1.9.2", False)),
        synproxy_sack=since(False, ("1.9.6", True)),
        server_port_copied=since(True, ("1.9.4", False)),
        ipvsadm_reports_version=since(False, ("1.9.4", True)),
        # 1.8.12 is younger than 1.9.0 and has the change that 1.9.2 has.
        dpip_reports_version=since(False, ("1.8.12", True), ("1.9.0", False), ("1.9.2", True)),
        ipvsadm_cpu="index" if version >= Version(1, 9, 4) else "cid",
        laddr_delete=since(False, ("1.9.8", True)),
        conn_timeout_flag=since("conn_timeout", ("1.9.6", "conn-timeout")),
        proxy_protocol=since(False, ("1.9.6", True)),
        dest_check=since(False, ("1.9.6", True)),
        sctp_and_quic=since(False, ("1.9.8", True)),
        access_list_protocol_first=since(False, ("1.9.8", True)),
        route_tos_and_outwall=since(True, ("1.9.6", False)),
        route_flush=since("route flush", ("1.9.10", "route flush dev {}")),
        link_xstats=since(False, ("1.9.6", True)),
        lldp=since(False, ("1.9.8", True)),
        link_local_addresses=since(False, ("1.9.8", True)),
        vlan_delete_cleans=since(False, ("1.9.10", True)),
        keepalived_restart_keeps_lips=since(False, ("1.8.10", True)),
        many_cpus=since(False, ("1.9.8", True)),
    )
