"""The facts from which FullNAT's packets follow: who is who, and what this version does."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from dpvs_acceptance.dpvs.versions import Version, facts

from .uoa import UoaMode


class UnexpectedConnection(AssertionError):  # noqa: N818  (a finding about the device)
    """The connection at the RS is not between a declared LIP and a declared RS."""


def canonical(address: str) -> str:
    """An IP address as views show it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """IP address and port; the address is brought into its usual form."""

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
    """What differs between DPVS's versions and settings on the wire.

    toa_on_syn: up to 1.9.4 (v1.9.4 ip_vs_proto_tcp.c:723). toa_on_fin: since 1.8.8 (PR#666).
    toa_prunes: since 1.9.6 options make room for TOA (tcp_in_prune_options). toa: whether the
    service has TOA at all (not with proxy protocol). uoa_max_trail: datagrams of a connection
    that carry UOA, 0 none. ttl_step: 1 with ``xmit_ttl`` in dpvs.conf.
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
        """From a version as people write it: 1.10.2, 1.8-10, v1.9.6."""
        known = facts(Version.parse(version))
        return cls(
            toa_on_syn=known.toa_on_syn,
            toa_on_fin=known.toa_on_fin,
            toa_prunes=known.toa_prunes,
            toa=toa,
            uoa_mode=uoa_mode,
            uoa_max_trail=uoa_max_trail,
            ttl_step=1 if xmit_ttl else 0,
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of the DUT: its port's MAC, and the VLAN id of frames there (None: untagged)."""

    dut_mac: str
    vlan: int | None = None
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class FullNat:
    """What a topology and a bench say of one FullNAT service, before any packet.

    rs: RS endpoint to its MAC on the lan. wan_peer_mac: where replies go on the wan link, the
    client's own MAC or its gateway's. The families of vip and of lips/rs differ for NAT64.
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
        """One connection; raises UnexpectedConnection where LIP or RS were not declared."""
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
    """One FullNAT connection. What is learned from its packets is in the last two fields.

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
