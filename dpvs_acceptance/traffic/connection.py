"""What determines FullNAT's packets: addresses, MACs, and behaviour of the DPVS version."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from dpvs_acceptance.dpvs.versions import Version, facts

from .uoa import UoaMode


class UnexpectedConnection(AssertionError):  # noqa: N818  (a finding about the device)
    """The connection at the RS is not between a declared LIP and a declared RS."""


def canonical(address: str) -> str:
    """An IP address in the notation of views."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """IP address and port; the address is normalised."""

    address: str
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", canonical(self.address))

    @property
    def version(self) -> int:
        return 6 if ":" in self.address else 4

    def __str__(self) -> str:
        return (
            f"[{self.address}]:{self.port}"
            if self.version == 6
            else (f"{self.address}:{self.port}")
        )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Differences between DPVS's versions and settings on the wire.

    toa_on_syn: up to 1.9.4 (v1.9.4 ip_vs_proto_tcp.c:723). toa_on_fin: since 1.8.8 (PR#666).
    toa_prunes: since 1.9.6 options are removed for TOA (tcp_in_prune_options). toa: whether the
    service uses TOA (not with proxy protocol). uoa_max_trail: datagrams of a connection
    that carry UOA, 0 for none. ttl_step: 1 with ``xmit_ttl`` in dpvs.conf.
    """

    toa_on_syn: bool = False
    toa_on_fin: bool = True
    toa_prunes: bool = True
    toa: bool = True
    uoa_mode: UoaMode = "opp"
    uoa_max_trail: int = 3
    ttl_step: int = 0

    @classmethod
    def of_version(
        cls,
        version: str,
        *,
        toa: bool = True,
        uoa_mode: UoaMode = "opp",
        uoa_max_trail: int = 3,
        xmit_ttl: bool = False,
    ) -> Behaviour:
        """From a version such as 1.10.2, 1.8-10 or v1.9.6."""
        version_facts = facts(Version.parse(version))
        return cls(
            toa_on_syn=version_facts.toa_on_syn,
            toa_on_fin=version_facts.toa_on_fin,
            toa_prunes=version_facts.toa_prunes,
            toa=toa,
            uoa_mode=uoa_mode,
            uoa_max_trail=uoa_max_trail,
            ttl_step=1 if xmit_ttl else 0,
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One port of the DUT: its MAC, and the VLAN id of frames there (None: untagged)."""

    dut_mac: str
    vlan: int | None = None
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class FullNat:
    """One FullNAT service: addresses and MACs from topology and bench.

    rs: address of an RS to its MAC on the lan link. wan_peer_mac: destination MAC of replies on
    the wan link, of the client or its gateway. With NAT64, vip and lips/rs have different families.
    """

    vip: SocketAddress
    lips: frozenset[str]
    rs: dict[SocketAddress, str]
    wan: Arm
    lan: Arm
    wan_peer_mac: str
    behaviour: Behaviour = Behaviour()

    def __post_init__(self) -> None:
        object.__setattr__(self, "lips", frozenset(canonical(lip) for lip in self.lips))

    def connection(
        self, client: SocketAddress, lip: SocketAddress, rs: SocketAddress
    ) -> Connection:
        """One connection; raises UnexpectedConnection if LIP or RS are not declared."""
        if lip.address not in self.lips:
            raise UnexpectedConnection(
                f"connection of {client}: source address at the RS expected one of "
                f"{', '.join(sorted(self.lips))}, seen {lip.address}"
            )
        if rs not in self.rs:
            declared = ", ".join(sorted(str(one) for one in self.rs))
            raise UnexpectedConnection(
                f"connection of {client}: RS expected one of {declared}, seen {rs}"
            )
        return Connection(self, client, lip, rs)


@dataclass(frozen=True, slots=True)
class Connection:
    """One FullNAT connection. The last two fields are learned from its packets.

    seq_offset: sequence number at the RS minus the client's, modulo 2^32 (DPVS rewrites the
        client's, not the RS's). rs_first: the RS's first data sequence number, its ISN + 1.
    """

    service: FullNat
    client: SocketAddress
    lip: SocketAddress
    rs: SocketAddress
    seq_offset: int | None = None
    rs_first: int | None = None

    @property
    def rs_mac(self) -> str:
        return self.service.rs[self.rs]

    @property
    def toa_length(self) -> int:
        return 20 if self.client.version == 6 else 8
