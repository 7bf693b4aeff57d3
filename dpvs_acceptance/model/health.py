"""Checks of real servers by DPVS's keepalived, and the times that their configuration promises."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dpvs_acceptance.model.declared import Declared, Name

Kind = Literal["tcp", "http", "ssl", "udp", "dns", "misc"]


class Sorry(Declared):
    """The server that gets all connections while quorum is lost."""

    name: Name
    port: int = Field(ge=1, le=65535)


class Health(Declared):
    """How keepalived checks the real servers of a service. Times in seconds."""

    check: Kind = "tcp"
    delay_loop: int = Field(default=1, ge=1, le=3600, description="from one check to the next")
    timeout: int = Field(default=1, ge=1, le=300, description="of one attempt")
    retries: int = Field(default=1, ge=0, le=100, description="attempts after the first that fails")
    delay_before_retry: int = Field(default=1, ge=1, le=300)
    path: str = Field(default="/", pattern=r"^/[!-~]*$", description="http, ssl")
    status: int | None = Field(default=None, ge=100, le=599, description="http, ssl")
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$", description="http, ssl")
    virtualhost: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+$")
    script: str = Field(default="", pattern=r"^[ -!#-~]*$", description="misc: a command")
    inhibit_on_failure: bool = Field(default=False, description="weight 0 instead of removal")
    quorum: int = Field(default=1, ge=1, le=65535)
    hysteresis: int = Field(default=0, ge=0, le=65535)
    alpha: bool = Field(default=False, description="dead until the first check succeeds")
    omega: bool = Field(default=False, description="quorum_down runs at the end too")
    quorum_up: str = Field(default="", pattern=r"^[ -!#-~]*$", description="a command")
    quorum_down: str = Field(default="", pattern=r"^[ -!#-~]*$", description="a command")
    sorry_server: Sorry | None = None

    @property
    def leaves_within(self) -> float:
        """The longest time in which a dead real server leaves: it dies right after a check, and
        each attempt takes its whole timeout."""
        attempts = (self.retries + 1) * self.timeout
        return self.delay_loop + attempts + self.retries * self.delay_before_retry

    @property
    def leaves_not_before(self) -> float:
        """The shortest: it dies right before a check, and each attempt fails at once."""
        return self.retries * self.delay_before_retry

    @property
    def returns_within(self) -> float:
        """The longest time in which it returns: the last attempt that fails has just begun."""
        return self.timeout + max(self.delay_loop, self.delay_before_retry) + self.timeout
