"""Where a run's time went: its own stages, its checks, the rest. Pure."""

from __future__ import annotations

from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.signoff import SignOff

CHECKS, REST = "checks", "other"


def times(signoff: SignOff) -> dict[str, float]:
    """Seconds by stage; `checks` of all checks, `other` what no row has. Adds up to the run's.

    Empty for the document of a run that kept no stages.
    """
    if not signoff.stages:
        return {}
    found = {stage.name: stage.seconds for stage in signoff.stages}
    found[CHECKS] = sum(result.seconds for result in results_of(signoff))
    whole = (signoff.finished - signoff.started).total_seconds()
    found[REST] = max(whole - sum(found.values()), 0.0)
    return found
