"""Snapshot of a host: read in one round trip, frozen, stored, replayed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from .batch import Read, Section, batch
from .connection import Host, abridge
from .errors import HostError
from .transcript import rfc3339

SCHEMA = 1
# Of a snapshot, and per reading with a longer timeout. A DUT that is a virtual machine without KVM
# takes 7 s, and over 30 on a busy machine.
_SECONDS, _LONG = 90.0, 20.0


class SnapshotError(Exception):
    """A snapshot lacks the requested data; names the host, the command and its output."""


class SnapshotReader(Protocol):
    """What typed state is made of: a snapshot, or one that is completed when it is asked for."""

    @property
    def sections(self) -> Mapping[str, Section]: ...

    def get(self, name: str) -> Section: ...

    def text(self, name: str) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The sections of one host, by name, as read at `taken_at` (RFC 3339, the runner's clock)."""

    host: str
    taken_at: str
    sections: Mapping[str, Section] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sections", MappingProxyType(dict(self.sections)))

    def get(self, name: str) -> Section:
        """The section with any exit status. SnapshotError if it was not read."""
        try:
            return self.sections[name]
        except KeyError:
            known = ", ".join(self.sections)
            raise SnapshotError(f"{self.host}: {name!r} was not read, only: {known}") from None

    def text(self, name: str) -> str:
        """Output of the section's command; SnapshotError if it failed or timed out."""
        section = self.get(name)
        if section.note:
            raise SnapshotError(f"{self.host}: `{abridge(section.command)}`: {section.note}")
        if section.exit_status != 0:
            said = (section.stderr.strip() or section.stdout.strip()).splitlines()
            raise SnapshotError(
                f"{self.host}: `{abridge(section.command)}` ended with {section.exit_status}"
                f"{': ' + said[-1] if said else ', and printed nothing'}"
            )
        return section.stdout

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`; `from_json` is its inverse."""
        return {
            "schema": SCHEMA,
            "host": self.host,
            "taken_at": self.taken_at,
            "sections": {name: asdict(section) for name, section in self.sections.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """SnapshotError if `data` is not a snapshot of this schema."""
        try:
            if data["schema"] != SCHEMA:
                raise SnapshotError(f"snapshot schema: expected {SCHEMA}, seen {data['schema']!r}")
            sections = {name: Section(**section) for name, section in data["sections"].items()}
            return cls(host=data["host"], taken_at=data["taken_at"], sections=sections)
        except (KeyError, TypeError, AttributeError) as exc:
            raise SnapshotError(f"not a snapshot: {exc!r}") from exc


def take(host: Host, sections: Mapping[str, str | Read], timeout: float = 0.0) -> Snapshot:
    """Read all `sections` from `host` in one round trip. HostError if it cannot be reached.

    `timeout`: total seconds; 0: 90, plus additional time for slow sections.
    """
    timeout = timeout or _SECONDS + sum(
        max(0.0, (read.timeout or 0.0) - _LONG)
        for read in sections.values()
        if isinstance(read, Read)
    )
    taken_at = rfc3339(time.time())
    return Snapshot(host.name, taken_at, batch(host, sections, timeout))


def take_all(
    wanted: Mapping[Host, Mapping[str, str | Read]], timeout: float = 0.0
) -> dict[str, Snapshot]:
    """Snapshots of several hosts at once, by the host's name. The first HostError, if any."""
    if not wanted:
        return {}
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        futures = {
            # The transcript takes phase and check from the context, which new threads do not
            # inherit.
            host.name: pool.submit(copy_context().run, take, host, sections, timeout)
            for host, sections in wanted.items()
        }
        errors = [error for future in futures.values() if (error := future.exception())]
        for error in errors:
            if not isinstance(error, HostError):
                raise error
        if errors:
            raise errors[0]
        return {name: future.result() for name, future in futures.items()}
