"""Requirements and checks of one sign-off document, as the page shows them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import CheckEntry, RequirementEntry, SignOff
from reports.ladder import Ladder, make_ladder
from reports.language import Say, reason
from reports.messages import sides, without_values, wrong_packets
from reports.pieces import badge_of, link, prose
from reports.reading import Kept, inside
from reports.shown import Check, ShownRequirement, Try, Unchecked

SNAPSHOT = "evidence/snapshots/dut.json"
_COMMANDS = 12
"""Commands shown of a check, the last ones."""


class Rows:
    """Rows of one document."""

    def __init__(self, signoff: SignOff, kept: Kept, say: Say) -> None:
        self._command = signoff.command
        self._language = signoff.language
        self._zh = signoff.language == "zh"
        self._kept = kept
        self._say = say
        self._defects = signoff.known
        self._made: dict[str, Check] = {}

    def requirement(self, row: RequirementEntry) -> ShownRequirement:
        remark = row.remark
        if row.outcome is Outcome.PARTIAL:  # else it is what a check said, which stays as it is
            remark = reason(remark, self._language)
        if row.elsewhere and remark == row.elsewhere:
            remark = reason(remark, self._language)
        elif row.outcome is Outcome.NOT_TESTED and not row.checks:
            remark = self._say("not covered by this run")
        return ShownRequirement(
            id=row.id,
            priority=row.priority,
            statement=prose((self._zh and row.statement_zh) or row.statement),
            source=row.source.replace("deployment guide", self._say("deployment guide")),
            hint=prose((self._zh and row.hint_zh) or row.hint),
            badge=badge_of(row.outcome, self._say),
            seconds=_seconds(row.seconds) if row.checks else "",
            remark=remark,
            checks=tuple(self.check(check) for check in row.checks),
            waived=row.waived,
            known=self._known(row),
        )

    def _known(self, row: RequirementEntry) -> str:
        if not row.known:
            return ""
        said = [
            f"{one.reference}: {(self._zh and one.sentence_zh) or one.sentence}"
            for one in self._defects
            if row.id in one.requirements and one.reference in row.known
        ]
        return f"{self._say('known defect of this version')}: {' '.join(said) or row.known}"

    def unchecked(self, row: RequirementEntry) -> Unchecked:
        return Unchecked(
            id=row.id,
            priority=row.priority,
            statement=prose((self._zh and row.statement_zh) or row.statement),
            needs=", ".join(self._say(need) for need in row.needs),
        )

    def heading(self, catalogue: str, checked: int, rows: int) -> str:
        say = self._say
        if checked == rows:
            return f"{catalogue}: {rows} {say('rows')}"
        return f"{catalogue}: {checked} {say('of')} {rows} {say('rows checked')}"

    def check(self, check: CheckEntry) -> Check:
        """A check that proves several requirements is made once."""
        if check.nodeid not in self._made:
            self._made[check.nodeid] = self._check(check)
        return self._made[check.nodeid]

    def _check(self, check: CheckEntry) -> Check:
        attempts = tuple(
            Try(
                badge_of(attempt.outcome, self._say),
                _seconds(attempt.seconds),
                without_values(attempt.message),
                attempt.details,
                tuple(link(path) for path in attempt.evidence),
                self._ladder(attempt.evidence, attempt.message),
            )
            for attempt in check.attempts
        )
        bad = check.outcome in (Outcome.FAIL, Outcome.FLAKY)
        # The first one that failed is the one that the message is of.
        worst = next((a.ladder for a in attempts if a.badge.shape == "fail" and a.ladder), None)
        commands = self._kept.commands.get(check.nodeid, ()) if bad else ()
        # A check of state asked nothing itself: it read the snapshot that all of them share.
        shared = bad and not commands and inside(self._kept.directory, SNAPSHOT) is not None
        snapshot = (SNAPSHOT,) if shared else ()
        return Check(
            nodeid=check.nodeid,
            badge=badge_of(check.outcome, self._say),
            seconds=_seconds(check.seconds),
            message=without_values(check.message),
            details=check.details,
            probe=check.probe if check.probe != check.message else "",
            again=f"{self._command} {shlex.quote(check.nodeid)}" if self._command else "",
            evidence=tuple(link(path) for path in (*check.evidence, *snapshot)),
            attempts=attempts,
            sides=sides(check.message) if bad else (),
            commands=commands[-_COMMANDS:],
            ladder=worst if attempts else self._ladder(check.evidence, check.message),
        )

    def _ladder(self, evidence: Sequence[str], message: str) -> Ladder | None:
        if self._kept.topology is None:
            return None
        views, left = self._kept.views(evidence)
        if not views:
            return None
        return make_ladder(views, self._kept.topology, left, wrong_packets(message))


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
