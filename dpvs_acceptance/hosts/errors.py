"""Errors between the runner and a host, each one sentence that names the host."""

from __future__ import annotations

from collections.abc import Iterable


class HostError(Exception):
    """A host could not be reached, or did not finish a command in time.

    `host`: name of the host in the bench; `what`: one sentence with the problem and, if possible,
    the next step. `str()` gives both.
    """

    def __init__(self, host: str, what: str) -> None:
        super().__init__(f"{host}: {what}")
        self.host = host
        self.what = what


class DeadlineError(HostError):
    """A command did not finish before its deadline. It was ended on the host if possible."""


class ConnectionLostError(HostError):
    """The connection to the host is lost; `Host.reconnect()` makes a new one."""


class LockLostError(HostError):
    """The host is not locked by this run any more: this run changes nothing there from now on."""

    def __init__(self, host: str, whose: str = "") -> None:
        now = f"it is now {whose}" if whose else "it was taken away"
        super().__init__(
            host,
            f"this run has lost its lock, {now}: this run changes nothing more there. What it had "
            "changed is undone by --restore, if it is not yet",
        )


class HostsError(HostError):
    """Several hosts could not be connected; `errors` has the error of each."""

    def __init__(self, errors: Iterable[HostError]) -> None:
        self.errors = tuple(errors)
        super().__init__(
            ", ".join(e.host for e in self.errors),
            "cannot be connected\n" + "\n".join(f"  {e}" for e in self.errors),
        )
