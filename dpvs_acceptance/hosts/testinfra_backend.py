"""testinfra's `host` object over the connection of a Host.

So `host.file(...)`, `host.package(...)`, `host.service(...)` use a channel instead of an ssh
process per command, have a deadline, and are in the transcript.
"""

from __future__ import annotations

from typing import Any

import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult

from .connection import Host

TIMEOUT = 15.0  # seconds for each of testinfra's commands


class HostBackend(BaseBackend):  # type: ignore[misc]
    """A testinfra backend whose commands go through `Host.run`."""

    NAME = "dpvs-acceptance"

    def __init__(self, host: Host, timeout: float = TIMEOUT) -> None:
        super().__init__(host.name)
        self._connection = host
        self._timeout = timeout

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Raises HostError as `Host.run` does."""
        del kwargs  # testinfra passes its own `encoding` here
        line = self.get_command(command, *args)
        raw = self._connection.exchange(line, timeout=self._timeout)
        if raw.unfinished:
            raise self._connection.end_unfinished(line, self._timeout, raw)
        return self.result(raw.exit_status, line.encode(), raw.stdout, raw.stderr)

    def get_encoding(self) -> str:
        """Commands run in the C locale; querying the host would require python3 there."""
        return "utf-8"


def host_api(host: Host, timeout: float = TIMEOUT) -> testinfra.host.Host:
    """testinfra's API over this connection; `timeout` seconds for each of its commands."""
    found = testinfra.host.Host(HostBackend(host, timeout))
    found.backend.set_host(found)
    return found
