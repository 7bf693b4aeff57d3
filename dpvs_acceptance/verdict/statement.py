"""What is signed of a run: an in-toto statement with the test-result predicate. Pure.

Subjects are the manifest, which covers every file of the run, the document, `dpvs.conf`, and the
programs of DPVS as they are on the device. https://github.com/in-toto/attestation/tree/main/spec
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence

from dpvs_acceptance.verdict.judging import VerdictName
from dpvs_acceptance.verdict.outcomes import BAD, Outcome
from dpvs_acceptance.verdict.signoff import SignOff

NAMESPACE = "dpvs-acceptance"
"""Of the signatures, as `ssh-keygen -Y sign -n` and `allowed_signers` have it."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS = {VerdictName.READY: "PASSED", VerdictName.NOT_READY: "FAILED"}
_ARMOUR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")


def statement_text(signoff: SignOff, digests: Mapping[str, str]) -> str:
    """The statement as JSON: the same run always makes the same text.

    `digests`: SHA-256 of files of the run, by path; `manifest.json` and `signoff.json` at least.
    """
    device = signoff.device
    subjects = [
        *({"name": name, "digest": {"sha256": value}} for name, value in sorted(digests.items())),
        *(
            {"name": f"{device.host}:{one.path}", "digest": {"sha256": one.sha256}}
            for one in device.binaries
        ),
    ]
    named = {Outcome.PASS: "passedTests", **dict.fromkeys(BAD, "failedTests")}
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for row in signoff.requirements:
        tests[named.get(row.outcome, "warnedTests")].append(f"{row.id} {row.outcome}")
    predicate = {
        "result": _RESULTS.get(signoff.verdict, "WARNED"),
        "configuration": [
            {
                "name": signoff.topology,
                "annotations": {
                    "run": signoff.run,
                    "verdict": signoff.verdict,
                    "exit_code": signoff.exit_code,
                    "started": signoff.started.isoformat(),
                    "finished": signoff.finished.isoformat(),
                    "suite": f"{signoff.suite.version} {signoff.suite.commit}",
                    "profile": signoff.profile,
                    "device": device.model_dump(mode="json", exclude={"binaries"}),
                },
            }
        ],
        **tests,
    }
    plain = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def statement_differences(written: str, made: str) -> list[str]:
    """Where a signed statement is not about this run, a line each."""
    if written == made:
        return []
    try:
        theirs, ours = json.loads(written), json.loads(made)
        before = {one["name"]: one["digest"]["sha256"] for one in theirs["subject"]}
    except (ValueError, KeyError, TypeError):
        return ["statement.json: is no statement of a run"]
    now = {one["name"]: one["digest"]["sha256"] for one in ours["subject"]}
    found = [
        f"statement.json: {name}: signed as {before.get(name, 'nothing')}, now "
        f"{now.get(name, 'nothing')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    return found or ["statement.json: says otherwise of this run than its files do"]


def fingerprint(signature: str) -> str:
    """`SHA256:…` of the key that made an armoured signature, as `ssh-keygen -l` shows it.

    ValueError where it is no signature. Whether it is a good one only `ssh-keygen` can say.
    """
    lines = signature.strip().splitlines()
    if not lines or (lines[0], lines[-1]) != _ARMOUR:
        raise ValueError("no SSH signature")
    blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    if blob[:6] != b"SSHSIG" or len(blob) < 14:
        raise ValueError("no SSH signature")
    (length,) = struct.unpack(">I", blob[10:14])
    key = blob[14 : 14 + length]
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")
    return f"SHA256:{digest}"


def signature_name(fingerprint: str) -> str:
    """The file of a key's signature: the fingerprint, as far as a file's name can have it."""
    return fingerprint.removeprefix("SHA256:").replace("/", "_").replace("+", "-") + ".sig"


def unsigned_words(fingerprints: Sequence[str]) -> str:
    """One sentence on who signed, for every report."""
    if not fingerprints:
        return "This run is not signed."
    return f"Signed with {' and '.join(fingerprints)}."
