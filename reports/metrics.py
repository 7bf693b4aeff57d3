"""The run as OpenMetrics, for Prometheus and for GitLab's metrics of a job."""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.times import times

_PREFIX = "dpvs_acceptance"


def make_metrics(signoff: SignOff) -> str:
    """Gauges, each with the labels `device` and `topology`; the same run gives the same text.

    Times are in seconds, points in time seconds since the epoch.
    """
    device = signoff.device
    registry = CollectorRegistry()
    about = {"device": device.host, "topology": signoff.topology}

    def gauge(name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", words, (*about, *labels), registry=registry)

    described = {
        "run": signoff.run,
        "verdict": str(signoff.verdict),
        "kind": str(device.kind),
        "dpvs": device.dpvs,
        "dpdk": device.dpdk,
        "suite": signoff.suite.version,
    }
    gauge("run", "Always 1; what was tested is in the labels", *described).labels(
        **about, **described
    ).set(1)
    gauge("exit_status", "0 the verdict allows it, 1 not ready, 2 blocked, 3 wrong usage").labels(
        **about
    ).set(signoff.exit_code)
    gauge("finished_timestamp_seconds", "End of the run").labels(**about).set(
        signoff.finished.timestamp()
    )
    lasted = (signoff.finished - signoff.started).total_seconds()
    gauge("duration_seconds", "From start to end of the run").labels(**about).set(lasted)
    judged = [row for row in signoff.requirements if row.decides]
    counts = Counter(row.outcome for row in judged)
    outcomes = gauge("rows", "Rows that judge the run, by outcome", "outcome")
    for outcome in Outcome:
        outcomes.labels(**about, outcome=str(outcome)).set(counts[outcome])
    row_gauge = gauge("row", "1 for the row's outcome", "catalogue", "row", "priority", "outcome")
    taken = gauge("row_duration_seconds", "Time of the row's checks", "catalogue", "row")
    for row in judged:
        named = {**about, "catalogue": row.catalogue, "row": row.id}
        row_gauge.labels(**named, priority=str(row.priority), outcome=str(row.outcome)).set(1)
        taken.labels(**named).set(row.seconds)
    stages = gauge("stage_duration_seconds", "Set-up, checks and undo of the run", "stage")
    for stage, seconds in times(signoff).items():
        stages.labels(**about, stage=stage).set(round(seconds, 3))
    made: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return made.decode("utf-8")
