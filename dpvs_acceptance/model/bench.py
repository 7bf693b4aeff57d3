"""A bench: the machines of a test setup, how each is reached, which NIC is on which link."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dpvs_acceptance.model import bonds as bonding
from dpvs_acceptance.model.bonds import Bond
from dpvs_acceptance.model.loading import KeyedError, load_model
from dpvs_acceptance.model.nics import Interface, Module, Nic
from dpvs_acceptance.model.topology import Declared, HostPath, IPv6Address, Name

SshName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@:%-]{0,200}$")]
Package = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,80}$")]
VersionText = Annotated[str, Field(pattern=r"^\d+\.\d+[.-]\d+$")]


class DpvsInstallation(Declared):
    """Where DPVS is installed on the DUT; optionally, where it was built."""

    home: HostPath
    version: VersionText
    conf: HostPath = "/etc/dpvs.conf"
    devbind: HostPath | None = None
    modules_dir: HostPath | None = None
    dpvs_source: HostPath | None = None
    dpdk_source: HostPath | None = None
    eal_arguments: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_=,.:/@()-]+$")], ...] = ()


class LcorePlacement(Declared):
    """One EAL lcore, and the CPUs that its thread may use."""

    id: int = Field(ge=0, le=255)
    cpus: tuple[int, ...] = Field(min_length=1)


class Lcores(Declared):
    """The lcore of the control plane, and those of the data plane in the order of their queues."""

    master: LcorePlacement
    workers: tuple[LcorePlacement, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> Lcores:
        ids = [self.master.id, *(worker.id for worker in self.workers)]
        if len(set(ids)) != len(ids):
            raise KeyedError(("workers",), "an lcore id is used twice")
        return self


class Leg(Declared):
    """An interface of the DUT that DPVS leaves to the kernel: keepalived's way to a link where
    there is no kni. It gets the addresses that the topology gives the kni of that link."""

    interface: Interface
    link: Name


class Dut(Declared):
    """The device under test."""

    host: SshName
    dpvs: DpvsInstallation
    lcores: Lcores
    numa_nodes: tuple[int, ...] = Field(default=(0,), min_length=1)
    hugepages_per_node: int | None = Field(
        default=None,
        ge=1,
        description="overrides the topology's value, for a machine with less memory",
    )
    packages: tuple[Package, ...] = ()
    flow_enable: bool | None = Field(
        default=None, description="sa_pool/flow_enable (by default: as the NICs can)"
    )
    redirect: bool | None = Field(
        default=None,
        description="ipvs_defs/conn/redirect (by default: on with several workers and no rules)",
    )
    sync_msg_timeout_us: int | None = Field(
        default=None, ge=1, description="ctrl_defs/lcore_msg/sync_msg_timeout_us, for slow machines"
    )
    nics: tuple[Nic, ...] = Field(min_length=1)
    bonds: tuple[Bond, ...] = ()
    legs: tuple[Leg, ...] = ()
    machine_id: str | None = None
    sudo: bool = False

    @model_validator(mode="after")
    def _nics_differ(self) -> Dut:
        for field in ("name", "mac", "pci", "vdev"):
            seen: set[str] = set()
            for index, nic in enumerate(self.nics):
                value = getattr(nic, field)
                if field == "pci" and nic.bifurcated:
                    continue  # ConnectX-3: two ports on one function
                if value is not None and value in seen:
                    raise KeyedError(("nics", index, field), f"{value} is used twice")
                seen.add(value)
        bonding.check(self.nics, self.bonds)
        return self


class ClientHost(Declared):
    """A client. Its interface must not be the one that ssh uses."""

    host: SshName
    interface: Interface
    link: Name
    crafted_address: IPv4Address | None = Field(
        default=None,
        description="a free address of the link, for TCP that bypasses the host's kernel",
    )
    crafted_address6: IPv6Address | None = None


class ReaderModule(Declared):
    """A TOA or UOA reader, a kernel module on a real server (deployment guide 4)."""

    module: HostPath
    name: Module


class ServerHost(Declared):
    """A real server."""

    host: SshName
    interface: Interface
    crafted_address: IPv4Address | None = Field(
        default=None, description="a free address of the link, for a crafted real server"
    )
    crafted_address6: IPv6Address | None = None
    toa: ReaderModule | None = None
    uoa: ReaderModule | None = None


class TimeLimits(Declared):
    """How long one change of a kind may take, in seconds; the same again for its undo."""

    hugepages: int = Field(default=60, ge=10)
    modules: int = Field(default=60, ge=10)
    bindings: int = Field(default=120, ge=10, description="dpdk-devbind.py binds one NIC")
    start: int = Field(default=60, ge=10, description="until dpvs answers its tools")
    other: int = Field(default=10, ge=10)


class Bench(Declared):
    """The machines of one test setup; `--host=NAME` selects `benches/NAME.yaml`."""

    name: Name
    kind: Literal["hardware", "software lab", "simulation"] = "hardware"
    ssh_config: str | None = None
    dut: Dut
    clients: dict[Name, ClientHost] = Field(default={})
    real_servers: dict[Name, ServerHost] = Field(default={})
    runner_is_client: bool = False
    time_limits: TimeLimits = TimeLimits()
    path: Path = Path()

    @model_validator(mode="after")
    def _hosts_differ(self) -> Bench:
        seen = {self.dut.host: "dut"}
        for section, machines in (("clients", self.clients), ("real_servers", self.real_servers)):
            for name, machine in machines.items():
                if machine.host in seen:
                    raise KeyedError(
                        (section, name, "host"),
                        f"{machine.host} is already used for {seen[machine.host]}",
                    )
                seen[machine.host] = name
        return self

    @property
    def hosts(self) -> dict[str, str]:
        """ssh names by role: `dut`, and the names of clients and real servers."""
        return (
            {"dut": self.dut.host}
            | {name: client.host for name, client in self.clients.items()}
            | {name: server.host for name, server in self.real_servers.items()}
        )

    @property
    def ssh_config_path(self) -> Path | None:
        """The ssh configuration file, relative to the bench file; None: the user's own."""
        return None if self.ssh_config is None else self.path.parent / self.ssh_config


def load_bench(path: Path) -> Bench:
    """The bench in `path`; raises DeclarationError."""
    return load_model(path, Bench).model_copy(update={"path": path})
