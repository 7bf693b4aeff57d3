"""A topology: what is to be configured. It has roles and link names, never hosts or NICs."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from dpvs_acceptance.model import keepalived, placement, serving
from dpvs_acceptance.model.declared import (
    Address,
    AddressPair,
    Declared,
    HostPath,
    IPv6Address,
    Machine,
    Name,
    Network,
)
from dpvs_acceptance.model.links import DeclaredLink, RemoteNetwork
from dpvs_acceptance.model.loading import load_model
from dpvs_acceptance.model.service import DeclaredService, Snat, Target
from dpvs_acceptance.model.topologyfields import DpvsSettings, HugepageSettings, TopologyFields

__all__ = [
    "Address",
    "AddressPair",
    "Declared",
    "DeclaredLink",
    "DeclaredService",
    "DpvsSettings",
    "HostPath",
    "HugepageSettings",
    "IPv6Address",
    "Machine",
    "Name",
    "Network",
    "RemoteNetwork",
    "Snat",
    "Target",
    "Topology",
    "load_topology",
]


class Topology(TopologyFields):
    """A complete topology; topologies/fnat-two-arm.yaml is a commented example."""

    @model_validator(mode="after")
    def _cross_check(self) -> Topology:
        placement.check(self)
        serving.check(self)
        keepalived.check(self)
        return self


def load_topology(path: Path) -> Topology:
    """The topology in `path`, named after the file; raises DeclarationError."""
    return load_model(path, Topology).model_copy(update={"name": path.stem})
