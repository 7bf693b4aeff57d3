"""Undo of changes in a DPVS process that several runs share.

Normally the configuration of DPVS ends with its process. If several topologies share one DPVS
process, platform and process stay up between the runs, with a journal of their own; everything else
is then undone command by command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import PurePosixPath

from dpvs_acceptance.dpvs.undoing import BARRIER, deletes_a_device, inverse
from dpvs_acceptance.hosts.gate import Change

STAGES = ("platform", "dpvs")
"""The stages of the DUT that stay up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DpvsChange(Change):
    """A change in DPVS's memory; `taken_back` undoes it without ending DPVS."""

    taken_back: str = ""


def lasting(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same changes, with commands as undo for those in DPVS's memory."""
    return tuple(
        replace(one, undo=one.taken_back) if isinstance(one, DpvsChange) and one.taken_back else one
        for one in changes
    )


def taken_back(commands: Sequence[str]) -> str:
    """Shell text that removes what these commands add, last first, ignoring errors."""
    undone = [text for command in reversed(commands) for text in _inverses(shlex.split(command))]
    return "; ".join([*undone, ":"]) if undone else ""


def _inverses(words: Sequence[str]) -> Iterator[str]:
    match list(words):
        case ["ip", "addr", "replace", address, "dev", device, *_]:
            yield shlex.join(["ip", "addr", "del", address, "dev", device])
        case ["ip", "link", "set", device, "up"]:
            yield shlex.join(["ip", "link", "set", device, "down"])
        case [path, *rest]:
            tool = PurePosixPath(path)
            found = inverse([tool.name, *rest])
            if found is not None and deletes_a_device(found):
                yield shlex.join([str(tool.with_name(BARRIER[0])), *BARRIER[1:]]) + " >/dev/null"
            if found is not None:
                yield shlex.join([str(tool.with_name(found[0])), *found[1:]])
            if "--add-laddr" in rest:
                # Not every version deletes the address with its last service.
                lip, device = rest[rest.index("-z") + 1], rest[rest.index("-F") + 1]
                host = f"{lip}/{ip_address(lip).max_prefixlen}"
                dpip = str(tool.with_name("dpip"))
                yield shlex.join([dpip, "addr", "del", host, "dev", device])
