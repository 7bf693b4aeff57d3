"""dpvs.conf: parser, typed values for checks, writer, and validation."""

from dpvs_acceptance.dpvs.conf.check import Problem, check
from dpvs_acceptance.dpvs.conf.keywords import is_block
from dpvs_acceptance.dpvs.conf.reading import read_spec
from dpvs_acceptance.dpvs.conf.render import NotInThisVersionError, render
from dpvs_acceptance.dpvs.conf.spec import (
    BondSpec,
    ConfSpec,
    DeviceSpec,
    PortQueues,
    TcpTimeouts,
    UdpTimeouts,
    WorkerSpec,
)
from dpvs_acceptance.dpvs.conf.tree import Conf, ConfError, Item, Remark, parse, write

__all__ = [
    "BondSpec",
    "Conf",
    "ConfError",
    "ConfSpec",
    "DeviceSpec",
    "Item",
    "NotInThisVersionError",
    "PortQueues",
    "Problem",
    "Remark",
    "TcpTimeouts",
    "UdpTimeouts",
    "WorkerSpec",
    "check",
    "is_block",
    "parse",
    "read_spec",
    "render",
    "write",
]
