"""A host that answers each command from the transcript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dpvs_acceptance.hosts.connection import Host, abridge
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.exchange import Raw
from dpvs_acceptance.hosts.transcript import NullTranscript, current_check
from dpvs_acceptance.hosts.transcript import read as read_transcript
from dpvs_acceptance.verdict.causes import NotTested

PREFIX = "not replayed: "


class NotReplayed(NotTested):
    """The run has not stored what is needed."""

    def __init__(self, reason: str) -> None:
        super().__init__(PREFIX + reason)


# Marks that separate the answers are drawn at random each time; all have this length.
_MARK = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])")


class StoredHost(Host):
    """As `Host`, for one role. Each entry of the transcript is used once, by the same check."""

    def __init__(self, name: str, entries: Iterable[Mapping[str, Any]], folder: Path) -> None:
        """`folder`: directory of bodies that are too long for the lines of the transcript."""
        self.name = name
        self.target = name
        self.sudo = False
        self.recorder = NullTranscript()
        self._folder = folder
        self._left = [entry for entry in entries if entry["kind"] == "run"]

    def exchange(
        self,
        command: str,
        *,
        timeout: float,
        stdin: bytes = b"",
        title: str = "",
        heard: Callable[[bytes], None] | None = None,
    ) -> Raw:
        """Raises NotReplayed if the check did not run this command then; HostError as then."""
        del timeout, stdin, heard
        entry = self._take(command, title)
        marks = dict(zip(_marks(entry["command"]), _marks(command), strict=False))
        if entry["exit_status"] is None:
            raise HostError(self.name, str(entry["error"] or "no answer"))
        return Raw(
            exit_status=int(entry["exit_status"]),
            stdout=self._body(entry["stdout"], marks),
            stderr=self._body(entry["stderr"], marks),
            seconds=float(entry["seconds"]),
            started=0.0,
            timed_out=False,
            cut_off=False,
            group=None,
        )

    def open(self, command: str) -> Any:
        raise NotReplayed(f"cannot run `{abridge(command)}`: {self.name} is a stored host")

    def close(self) -> None:
        """Does nothing: there is no connection."""

    def _take(self, command: str, title: str) -> Mapping[str, Any]:
        check = current_check.get()
        wanted = _MARK.sub("*", command)
        for index, entry in enumerate(self._left):
            if entry["check"] == check and _MARK.sub("*", entry["command"]) == wanted:
                return self._left.pop(index)
        asked = abridge(title or command)
        raise NotReplayed(f"the transcript has no answer of {self.name} to: {asked}")

    def _body(self, kept: object, marks: Mapping[str, str]) -> bytes:
        if isinstance(kept, Mapping):
            path = (self._folder / str(kept["file"])).resolve()
            if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
                raise NotReplayed(f"{kept['file']} is missing")
            kept = path.read_bytes().decode("utf-8", "replace")
        text = str(kept)
        for old, new in marks.items():
            text = text.replace(old, new)
        return text.encode("utf-8", "replace")


def _marks(command: str) -> list[str]:
    return list(dict.fromkeys(_MARK.findall(command)))


def stored_hosts(evidence: Path, roles: Iterable[str]) -> dict[str, Host]:
    """A host for each role of a run, from the transcript in its evidence."""
    entries = read_transcript(evidence / "transcript.jsonl")
    return {
        role: StoredHost(role, (one for one in entries if one["host"] == role), evidence)
        for role in roles
    }
