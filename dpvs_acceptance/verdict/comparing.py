"""Changes between two runs: outcomes, times beyond noise, facts of the device. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dpvs_acceptance.model.topology import Topology
from dpvs_acceptance.verdict.outcomes import BAD, SKIPPED, Outcome
from dpvs_acceptance.verdict.recomputing import results_of
from dpvs_acceptance.verdict.signoff import SignOff
from dpvs_acceptance.verdict.upgrading import version_changes
from dpvs_acceptance.verdict.words import first_line

SLOWER = 2.0
"""Factor: a check must be this many times slower."""
_UNSEEN = SKIPPED | {Outcome.BLOCKED}
AND_BY = 0.5
"""And this many seconds slower; less is noise."""


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One change: a check, a requirement or a fact, before and after."""

    what: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`first` and `second`: names of the runs. Checks are compared by node id."""

    first: str
    second: str
    verdicts: tuple[str, str]
    failing: tuple[BeforeAfter, ...]
    passing: tuple[BeforeAfter, ...]
    untested: tuple[BeforeAfter, ...]
    inapplicable: tuple[BeforeAfter, ...]
    slower: tuple[BeforeAfter, ...]
    facts: tuple[BeforeAfter, ...]
    drift: tuple[BeforeAfter, ...] = ()
    """Of the device's own configuration: dpvs.conf, services, addresses, routes."""
    concerning: tuple[BeforeAfter, ...] = ()
    """Known changes between the versions that concern the topology."""
    other_changes: tuple[BeforeAfter, ...] = ()
    """Those that do not."""

    @property
    def groups(self) -> tuple[tuple[str, tuple[BeforeAfter, ...]], ...]:
        return (
            ("Newly failing", self.failing),
            ("Newly untested", self.untested),
            ("Newly not applicable", self.inapplicable),
            ("Newly passing", self.passing),
            ("Slower beyond noise", self.slower),
            ("Changed facts", self.facts),
            ("Drift of the configuration", self.drift),
            ("Known changes of the version that concern this topology", self.concerning),
            ("Known changes of the version that do not", self.other_changes),
        )


def compare(
    first: SignOff,
    second: SignOff,
    configuration: tuple[str, str] = ("", ""),
    drift: Sequence[tuple[str, str, str]] = (),
    topology: Topology | None = None,
) -> Comparison:
    """`configuration`: the rendered dpvs.conf of both runs, if stored.

    `drift`: what of the device's configuration changed (`drift.drifted`). `topology`: that of the
    second run, which decides which changes between the versions concern it.
    """
    one = {result.nodeid: result for result in results_of(first)}
    other = {result.nodeid: result for result in results_of(second)}
    failing, passing, untested, inapplicable = [], [], [], []
    slower: list[BeforeAfter] = []
    for node in dict.fromkeys((*other, *one)):
        before, after = one.get(node), other.get(node)
        was = before.outcome if before else Outcome.NOT_TESTED
        now = after.outcome if after else Outcome.NOT_TESTED
        change = BeforeAfter(
            node,
            str(was) if before else "not part of it",
            str(now) if after else "not part of it",
            first_line(after.message) if after else "",
        )
        if now in BAD and was not in BAD:
            failing.append(change)
        elif now in _UNSEEN and was not in _UNSEEN:
            untested.append(change)
        elif now is Outcome.NOT_APPLICABLE and was is not now:
            inapplicable.append(change)
        elif now is Outcome.PASS and was is not Outcome.PASS:
            passing.append(change)
        if before and after and was is now is Outcome.PASS:
            slower += _slower(node, before.seconds, after.seconds)
    known = version_changes(first.device.dpvs, second.device.dpvs, topology, configuration[0])
    changes = [BeforeAfter(one.words, one.before, one.after, one.concerns) for one in known]
    earlier = {stage.name: stage.seconds for stage in first.stages}
    for stage in second.stages:
        if stage.name in earlier:
            slower += _slower(f"the run's {stage.name}", earlier[stage.name], stage.seconds)
    return Comparison(
        first=first.run,
        second=second.run,
        verdicts=(first.verdict, second.verdict),
        failing=tuple(failing),
        passing=tuple(passing),
        untested=tuple(untested),
        inapplicable=tuple(inapplicable),
        slower=tuple(slower),
        facts=tuple(_facts(first, second, configuration)),
        drift=tuple(BeforeAfter(*one) for one in drift),
        concerning=tuple(one for one in changes if one.why),
        other_changes=tuple(one for one in changes if not one.why),
    )


def _slower(what: str, before: float, after: float) -> Iterator[BeforeAfter]:
    """Whether a time is slower beyond noise."""
    if after > before * SLOWER and after > before + AND_BY:
        yield BeforeAfter(what, f"{before:.2f} s", f"{after:.2f} s")


def _facts(
    first: SignOff, second: SignOff, configuration: tuple[str, str]
) -> Iterator[BeforeAfter]:
    one, other = _known(first), _known(second)
    for name in dict.fromkeys((*one, *other)):
        before, after = one.get(name, "–"), other.get(name, "–")
        if before != after:
            yield BeforeAfter(name, before, after)
    old, new = ({line.strip() for line in text.splitlines()} for text in configuration)
    if old and new:
        for line in sorted(old - new):
            yield BeforeAfter("dpvs.conf", line, "–")
        for line in sorted(new - old):
            yield BeforeAfter("dpvs.conf", "–", line)


def _known(signoff: SignOff) -> Mapping[str, str]:
    device = signoff.device
    found = {
        "device": device.host,
        "kind": str(device.kind),
        "DPVS": device.dpvs,
        "DPDK": device.dpdk,
        "kernel": device.kernel,
        "topology": signoff.topology,
        "profile": str(signoff.profile),
        "suite": f"{signoff.suite.version} {signoff.suite.commit}",
    }
    for nic in device.nics:
        for name in ("mac", "pci", "link", "port", "model", "driver", "firmware", "numa_node"):
            found[f"{nic.name} {name}"] = str(getattr(nic, name) or "–")
    return found


def to_lines(comparison: Comparison) -> Iterator[str]:
    """As text, a line per change."""
    yield f"{comparison.first}: {comparison.verdicts[0]}"
    yield f"{comparison.second}: {comparison.verdicts[1]}"
    for name, changes in comparison.groups:
        if changes:
            yield ""
            yield f"{name} ({len(changes)})"
            for change in changes:
                yield f"  {change.what}: {change.before} -> {change.after}"
                if change.why:
                    yield f"      {change.why}"
    if not any(changes for _, changes in comparison.groups):
        yield "no difference"
