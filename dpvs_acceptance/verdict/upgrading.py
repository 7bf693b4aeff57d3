"""What is known to change from one version of DPVS to another, and what of it concerns a topology.

Pure. The facts are those of `dpvs/versions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version, VersionFacts
from dpvs_acceptance.dpvs.versions import facts as version_facts
from dpvs_acceptance.model.topology import Topology

_Concern = Callable[[Topology], str]


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One known difference. `concerns`: why it concerns the topology; empty if it does not."""

    words: str
    before: str
    after: str
    concerns: str


def _always(words: str) -> _Concern:
    return lambda _: words


def _services(words: str, **wanted: object) -> _Concern:
    """Services of which every named field has the value, by their names."""

    def concern(topology: Topology) -> str:
        names = [
            one.name
            for one in topology.services
            if all(getattr(one, name) == value for name, value in wanted.items())
        ]
        return f"{words}: {', '.join(names)}" if names else ""

    return concern


_TOA = _services("FullNAT services over TCP", forwarding="fullnat", protocol="tcp")
_SYNPROXY = _services("services with SYN proxy", synproxy=True)
_START = "every start of dpvs"
_TOOLS = "tools and scripts that call them"
_NO = _always("")
_TABLE: dict[str, tuple[str, _Concern]] = {
    "dpdk": ("the DPDK release, with its modules and options", _always(_START)),
    "ipc_path": ("the unix socket between dpvs and its tools", _always(_TOOLS)),
    "pid_file": ("the default pid file", _always(_START)),
    "daemon_paths": ("dpvs has the options -c, -p and -x", _always(_START)),
    "main_lcore_option": ("EAL's option for the master's lcore", _always(_START)),
    "allow_option": ("EAL's option that allows a PCI device", _always(_START)),
    "worker_thread": ("the name of worker threads", _always("monitoring of threads by name")),
    "kni_kind": ("how kni devices are created", _always("the kni device of each port")),
    "toa_on_syn": ("TOA is on the SYN", _TOA),
    "toa_on_fin": ("TOA is on a FIN that acknowledges no data", _TOA),
    "toa_prunes": ("other options are removed if TOA does not fit", _TOA),
    "synproxy_closes_window": ("SYN-ACKs of SYN proxy always have window 0", _SYNPROXY),
    "synproxy_sack": ("SYN proxy offers SACK by default", _SYNPROXY),
    # A topology gives each real server its port, so it concerns the operators' own commands alone.
    "server_port_copied": ("`ipvsadm -a -r ADDRESS` without a port takes the service's port", _NO),
    "ipvsadm_reports_version": ("`ipvsadm -ln` shows DPVS's version", _always(_TOOLS)),
    "dpip_reports_version": ("`dpip -V` shows DPVS's version", _always(_TOOLS)),
    "proxy_protocol": ("services support the proxy protocol", _NO),
    "route_tos_and_outwall": ("`dpip route` supports tos and `table outwall`", _NO),
    "route_flush": ("the syntax of `dpip route flush`", _NO),
    "verbose_link_stats": ("`dpip -s -v link show` is safe on a running DPVS", _always(_TOOLS)),
    "lldp": ("ports have the flag lldp", _NO),
    "missing_service_status": ("exit status of `ipvsadm -G` for an unknown service", _NO),
}


def version_changes(
    before: str, after: str, topology: Topology | None, conf: str = ""
) -> tuple[VersionChange, ...]:
    """All of them, those that concern the topology first; none between equal or unknown versions.

    `conf`: dpvs.conf of the earlier run, for keywords that the later version does not have.
    """
    try:
        one, other = (version_facts(Version.parse(text)) for text in (before, after))
    except UnknownVersionError:
        return ()
    if one.version == other.version:
        return ()
    found = [*_fields(one, other, topology), *_keywords(one, other, conf)]
    return tuple(sorted(found, key=lambda change: not change.concerns))


def _fields(
    one: VersionFacts, other: VersionFacts, topology: Topology | None
) -> Iterator[VersionChange]:
    for field in fields(VersionFacts):
        if field.name in ("version", "keywords"):
            continue
        old, new = getattr(one, field.name), getattr(other, field.name)
        if old != new:
            words, concern = _TABLE[field.name]
            why = concern(topology) if topology is not None else ""
            yield VersionChange(words, _shown(old), _shown(new), why)


def _keywords(one: VersionFacts, other: VersionFacts, conf: str) -> Iterator[VersionChange]:
    """Keywords that are gone, each; of the new ones the number."""
    words = set(conf.replace("<init>", " ").split())
    for path in sorted(one.keywords - other.keywords):
        used = "dpvs.conf of the earlier run has it" if path[-1] in words else ""
        yield VersionChange(f"keyword {'/'.join(path)} of dpvs.conf", "known", "unknown", used)
    if new := len(other.keywords - one.keywords):
        yield VersionChange("new keywords of dpvs.conf", "–", str(new), "")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
