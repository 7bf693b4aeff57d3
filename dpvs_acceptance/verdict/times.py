"""Time of a run by stages, checks and rest. Pure."""

from __future__ import annotations

from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.signoff import SignOff

CHECKS, REST = "checks", "other"


def times(signoff: SignOff) -> dict[str, float]:
    """Seconds by stage; `checks`: all checks; `other`: the rest. The sum is the time of the run.

    Empty for a run without stored stages.
    """
    if not signoff.stages:
        return {}
    found = {stage.name: stage.seconds for stage in signoff.stages}
    found[CHECKS] = sum(result.seconds for result in results_of(signoff))
    whole = (signoff.finished - signoff.started).total_seconds()
    found[REST] = max(whole - sum(found.values()), 0.0)
    return found
