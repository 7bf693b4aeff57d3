"""The run in the Common Test Report Format (https://ctrf.io), for tools that read CTRF."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import CheckEntry, RequirementEntry, SignOff

_STATUS = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.FLAKY: "failed",
    Outcome.BLOCKED: "other",
    Outcome.NOT_SUPPORTED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.NOT_TESTED: "pending",
}
"""CTRF has five words; `rawStatus` has the suite's own."""
_WORDS = ("passed", "failed", "skipped", "pending", "other")


def make_ctrf(signoff: SignOff) -> str:
    """A CTRF document with a test per check; the same run always gives the same text."""
    proves: dict[str, list[RequirementEntry]] = {}
    checks: dict[str, CheckEntry] = {}
    for row in signoff.requirements:
        for check in row.checks:
            checks.setdefault(check.nodeid, check)
            proves.setdefault(check.nodeid, []).append(row)
    checks |= {check.nodeid: check for check in signoff.other_checks}
    tests = [_test(check, proves.get(node, [])) for node, check in checks.items()]
    counts = Counter(test["status"] for test in tests)
    device = signoff.device
    facts = {"verdict": signoff.verdict, "exitStatus": signoff.exit_code, "run": signoff.run}
    plain = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "timestamp": signoff.finished.isoformat(),
        "generatedBy": f"dpvs-acceptance {signoff.suite.version}",
        "results": {
            "tool": {"name": "dpvs-acceptance", "version": signoff.suite.version},
            "summary": {
                "tests": len(tests),
                **{word: counts[word] for word in _WORDS},
                "start": _milliseconds(signoff.started),
                "stop": _milliseconds(signoff.finished),
                "extra": facts,
            },
            "tests": tests,
            "environment": {
                "appName": "DPVS",
                "appVersion": device.dpvs,
                "osRelease": device.kernel,
                "testEnvironment": f"{device.host} ({device.kind})",
                "commit": signoff.suite.commit,
                "extra": {"topology": signoff.topology, "dpdk": device.dpdk},
            },
        },
    }
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def _test(check: CheckEntry, rows: list[RequirementEntry]) -> dict[str, Any]:
    path, _, name = check.nodeid.partition("::")
    test: dict[str, Any] = {
        "name": name or check.nodeid,
        "status": _STATUS.get(check.outcome, "other"),
        "rawStatus": str(check.outcome),
        "duration": round(check.seconds * 1000),
        "suite": path.removesuffix(".py").split("/"),
        "filePath": path,
    }
    if rows:
        test["tags"] = [str(min(row.priority for row in rows)).lower()]
        test["labels"] = {"test_key": [row.id for row in rows]}
    if check.message:
        test["message"] = check.message
    if check.details:
        test["trace"] = check.details
    if check.attempts:
        test["retries"] = len(check.attempts) - 1
    return test


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
