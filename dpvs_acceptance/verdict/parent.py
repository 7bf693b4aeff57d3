"""What a process that starts a run hands to it: by environment, since no user says it.

Two do: `--topology=a,b`, whose runs share a lab and a start of DPVS, and `verify`, which repeats
the checks of a stored run.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

VARIABLE = "DPVS_ACCEPTANCE_PARENT"


class Parent(BaseModel):
    """Nothing of it is set in a run that the user starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lab: Path | None = None
    """Bench file of a software lab that is up, fits the topology, and is ended by the parent."""
    shared: Path | None = None
    """Folder of what the runs with one start of DPVS share: it stays up after this run."""
    last: bool = False
    """The last run of those: it stops DPVS."""
    verdict: Path | None = None
    """File to write verdict, exit status and directory of the run to, as JSON."""
    replay: Path | None = None
    """Directory of a stored run: the checks are made on what it saw, and no host is reached."""
    results: Path | None = None
    """File to write the outcomes of a replay to, as JSON."""

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that is started."""
        return {**os.environ, VARIABLE: self.model_dump_json(exclude_defaults=True)}


def read_parent() -> Parent:
    """What was handed to this process; pydantic's ValidationError for anything else."""
    return Parent.model_validate_json(os.environ.get(VARIABLE) or "{}")
