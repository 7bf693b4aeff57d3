"""The software ports of a DPVS build: which kinds of DPDK's there are, and how a lab wires each.

Every kind takes the frames of one veth. Which drivers a build has it says itself: DPDK leaves a
line for each in the program.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from softlab.host import run
from softlab.spec import Nic

_DRIVER: Final = re.compile(rb'PMD_INFO_STRING= \{"name" ?: ?"(net_[a-z0-9_]+)"')


class NoPort(Exception):  # noqa: N818
    """This build, or a lab, has no software ports of the kind; one sentence."""


def _nothing(_nic: Nic) -> None:
    """The driver opens the veth itself."""


def _cross(nic: Nic) -> None:
    """Cross the veth with a tap of DPDK's, frame by frame and before the host's own stack.

    The tap is made here, as the driver makes one: its `remote=` needs a kernel with tc's flower.
    """
    tap = _tap(nic)
    run(["ip", "tuntap", "add", "dev", tap, "mode", "tap", "multi_queue"])
    # No address of its own, so that the host's stack sends nothing by it.
    run(["ip", "link", "set", tap, "address", nic.mac, "addrgenmode", "none", "up"])
    for here, there in ((nic.name, tap), (tap, nic.name)):
        run(["tc", "qdisc", "add", "dev", here, "ingress"])
        every = ["protocol", "all", "u32", "match", "u32", "0", "0"]
        action = ["action", "mirred", "egress", "redirect", "dev", there]
        run(["tc", "filter", "add", "dev", here, "parent", "ffff:", *every, *action])


def _tap(nic: Nic) -> str:
    return f"tap-{nic.name}"


@dataclass(frozen=True, slots=True)
class Kind:
    """`arguments`: DPDK's, of the port over a NIC. `wire`: what is done in the DUT before."""

    arguments: Callable[[Nic], str]
    wire: Callable[[Nic], None] = _nothing


KINDS: Final[Mapping[str, Kind]] = {
    "af_packet": Kind(lambda nic: f"iface={nic.name}"),
    "tap": Kind(lambda nic: f"iface={_tap(nic)},mac={nic.mac}", _cross),
}
DEFAULT: Final = "af_packet"
#: Kinds that a lab cannot wire, whatever the build has.
_UNWIRED: Final = {
    "pcap": "DPVS shows such a port and does not start it (`Start dpdk0 failed, skipping ...`)",
    "memif": "its other end is another program of DPDK's, and a lab's hosts have none",
    "ring": "its other end is another program of DPDK's, and a lab's hosts have none",
    "virtio_user": "its other end is /dev/vhost-net, which DPVS's kni takes",
    "vhost": "its other end is a virtual machine, and a lab has none",
    "null": "it takes nothing and gives nothing",
    "af_xdp": "it takes a veth's frames only with an XDP program at the other end",
}


def check(home: Path, kind: str) -> None:
    """Raise NoPort where this build, or any lab, has no such ports; a program that does not say
    which drivers it has is taken at its word when it starts.
    """
    if kind in _UNWIRED:
        raise NoPort(f"a lab has no ports of net_{kind}: {_UNWIRED[kind]}; it has {_listed()}")
    if kind not in KINDS:
        raise NoPort(f"there are no software ports called {kind!r}; there are {_listed()}")
    found = drivers(home)
    if found and f"net_{kind}" not in found:
        have = ", ".join(sorted(found & {f"net_{one}" for one in KINDS}))
        raise NoPort(f"the build {home} has no net_{kind}: of software ports it has {have}")


def drivers(home: Path) -> set[str]:
    """DPDK's drivers of ports in a build, as its dpvs says; empty where it does not."""
    return {one.decode() for one in _DRIVER.findall((home / "bin/dpvs").read_bytes())}


def _listed() -> str:
    return ", ".join(KINDS)
