"""Version output: `dpvs -v`, `dpip -V`, `ipvsadm --version`, `keepalived -v`.

dpvs and keepalived print this on stderr.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dpvs_acceptance.dpvs.lines import Lines
from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version


@dataclass(frozen=True, slots=True)
class DpvsBanner:
    """built: as printed, e.g. 2021.07.26.15:34:26."""

    version: Version
    built: str


@dataclass(frozen=True, slots=True)
class DpipBanner:
    """version None: `dpip-v1.0.0`, printed by all older builds (see facts())."""

    version: Version | None


@dataclass(frozen=True, slots=True)
class IpvsadmBanner:
    """ipvsadm's version, and the compiled-in IPVS version, which is not that of DPVS."""

    version: str
    ipvs: Version


@dataclass(frozen=True, slots=True)
class KeepalivedBanner:
    """commit: of DPVS's repository, e.g. v1.10.2+; None if built outside of it.

    config_options, system_options: words of the build configuration.
    """

    version: str
    date: str
    commit: str | None
    kernel_headers: str
    running_on: str
    configure_options: str
    config_options: tuple[str, ...]
    system_options: tuple[str, ...]

    @property
    def ipvs_framework(self) -> bool:
        """`Use IPVS Framework: Yes` of the build."""
        return "LVS" in self.config_options

    @property
    def ipvs_over_libnl(self) -> bool:
        """`IPVS use libnl: Yes` of the build, required for IPv6 services."""
        return "LIBIPVS_NETLINK" in self.system_options


_DPVS = re.compile(r"dpvs version: (\S+), build on (\S+)")
_DPIP = re.compile(r"dpip-(\S+)")
_IPVSADM = re.compile(r"ipvsadm v(\S+) \S+ \(compiled with (?:popt|getopt_long) and IPVS v(\S+)\)")
_KEEPALIVED = re.compile(r"Keepalived v([0-9.]+) \(([^)]*)\)(?:, git commit (\S+))?")
_COPYRIGHT = re.compile(r"Copyright\(C\) .*")
_HEADERS = re.compile(r"Built with kernel headers for (Linux \S+)")
_RUNNING = re.compile(r"Running on (.*)")
_CONFIGURE = re.compile(r"configure options:(.*)")
_CONFIG = re.compile(r"Config options:(.*)")
_SYSTEM = re.compile(r"System options:(.*)")


def parse_dpvs_version(text: str, source: str = "dpvs -v") -> DpvsBanner:
    """`dpvs version: 1.10-2, build on 2026.11.23.14:11:40`. Raises ParseError."""
    lines = Lines(text, source)
    found = lines.take(_DPVS, "`dpvs version: VERSION, build on DATE`")
    banner = DpvsBanner(_version(found[1], lines), found[2])
    _nothing_more(lines)
    return banner


def parse_dpip_version(text: str, source: str = "dpip -V") -> DpipBanner:
    """`dpip-1.10-2` or `dpip-v1.0.0`. Raises ParseError."""
    lines = Lines(text, source)
    found = lines.take(_DPIP, "`dpip-VERSION`")
    banner = DpipBanner(None if found[1] == "v1.0.0" else _version(found[1], lines))
    _nothing_more(lines)
    return banner


def parse_ipvsadm_version(text: str, source: str = "ipvsadm --version") -> IpvsadmBanner:
    """`ipvsadm v1.27 2008/5/15 (compiled with popt and IPVS v1.9.2)`. Raises ParseError."""
    lines = Lines(text, source)
    found = lines.take(_IPVSADM, "`ipvsadm vN DATE (compiled with popt and IPVS vN)`")
    banner = IpvsadmBanner(found[1], _version(found[2], lines))
    _nothing_more(lines)
    return banner


def parse_keepalived_version(text: str, source: str = "keepalived -v") -> KeepalivedBanner:
    """The output of `keepalived -v` (2.0.19, as in DPVS). Raises ParseError."""
    lines = Lines(text, source)

    def take(pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        lines.skip_blank()
        return lines.take(pattern, expected)

    head = take(_KEEPALIVED, "`Keepalived vN (DATE), git commit NAME`")
    take(_COPYRIGHT, "the copyright notice")
    headers = take(_HEADERS, "`Built with kernel headers for Linux N`")
    running = take(_RUNNING, "`Running on Linux N`")
    configure = take(_CONFIGURE, "`configure options: ...`")
    config = take(_CONFIG, "`Config options: ...`")
    system = take(_SYSTEM, "`System options: ...`")
    _nothing_more(lines)
    return KeepalivedBanner(
        version=head[1],
        date=head[2],
        commit=head[3],
        kernel_headers=headers[1],
        running_on=running[1].strip(),
        configure_options=configure[1].strip(),
        config_options=tuple(config[1].split()),
        system_options=tuple(system[1].split()),
    )


def _version(text: str, lines: Lines) -> Version:
    try:
        return Version.parse(text)
    except UnknownVersionError:
        raise lines.previous_error("a version like 1.10-2") from None


def _nothing_more(lines: Lines) -> None:
    if not lines.at_end:
        raise lines.error("nothing more")
