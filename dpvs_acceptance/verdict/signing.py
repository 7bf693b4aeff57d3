"""Signs a stored run and checks its signatures, by `ssh-keygen -Y` and `openssl ts`.

Signatures stand in `signatures/` of the run: the statement, one file per key that signed it, and
perhaps a time stamp (RFC 3161) of each. The manifest does not cover them: they cover the manifest.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dpvs_acceptance.verdict.manifest import digest
from dpvs_acceptance.verdict.signoff import from_text
from dpvs_acceptance.verdict.statement import (
    NAMESPACE,
    fingerprint,
    signature_name,
    statement_differences,
    statement_text,
)
from dpvs_acceptance.verdict.words import first_line, printable

FOLDER = "signatures"
STATEMENT = "statement.json"
_SUBJECTS = ("manifest.json", "signoff.json", "evidence/declared/dpvs.conf")
_SECONDS = 60.0


class SigningError(Exception):
    """One sentence: what could not be signed or verified, and why."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Result of the verification of a run's signatures."""

    good: tuple[str, ...] = ()
    """A line per signature of an allowed signer."""
    keys: tuple[str, ...] = ()
    """Fingerprints of all keys that signed, in order, good or not."""
    signers: frozenset[str] = field(default_factory=frozenset)
    """Principals of the good ones."""
    problems: tuple[str, ...] = ()


def statement_of(run: Path) -> str:
    """The statement for the current state of this run. Raises OSError, ValueError."""
    signoff = from_text((run / "signoff.json").read_bytes().decode("utf-8"))
    there = [name for name in _SUBJECTS if (run / name).is_file()]
    return statement_text(signoff, {name: digest(run / name)[0] for name in there})


def sign(run: Path, key: Path) -> str:
    """Signs the run with a private key, or a public one whose private key the agent has.

    Gives the key's fingerprint. Raises SigningError. A key of its own is asked for its passphrase
    by ssh-keygen, on the terminal.
    """
    folder = run / FOLDER
    made = statement_of(run)
    folder.mkdir(exist_ok=True)
    statement = folder / STATEMENT
    if statement.is_file():
        if problems := statement_differences(statement.read_text("utf-8"), made):
            raise SigningError(f"the run differs from the one signed earlier: {problems[0]}")
    else:
        statement.write_text(made, encoding="utf-8")
    signature = folder / f"{STATEMENT}.sig"
    signature.unlink(missing_ok=True)
    ran = _run("ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(statement))
    if ran.returncode or not signature.is_file():
        if not any(folder.glob("*.sig")):
            statement.unlink()
            folder.rmdir()
        raise SigningError(f"ssh-keygen cannot sign with {key}: {_said(ran)}")
    mark = fingerprint(signature.read_text("ascii"))
    signature.replace(folder / signature_name(mark))
    return mark


def stamp(run: Path, mark: str, url: str) -> None:
    """A time stamp of the signature by the key `mark`, from an RFC 3161 service over HTTP."""
    import requests

    signature = run / FOLDER / signature_name(mark)
    query = _run(
        *("openssl", "ts", "-query", "-data", str(signature), "-sha256", "-cert"), text=False
    )
    if query.returncode:
        raise SigningError(f"openssl cannot make a time stamp request: {_said(query)}")
    try:
        answer = requests.post(
            url,
            data=query.stdout,
            headers={"Content-Type": "application/timestamp-query"},
            timeout=_SECONDS,
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        raise SigningError(f"no time stamp from {url}: {first_line(str(error))}") from None
    signature.with_suffix(".tsr").write_bytes(answer.content)


def keys_of(run: Path) -> tuple[str, ...]:
    """Fingerprints of the keys by which the run has signatures; nothing is checked."""
    found = []
    for path in sorted((run / FOLDER).glob("*.sig")):
        try:
            found.append(fingerprint(path.read_text("ascii")))
        except (OSError, ValueError):
            continue
    return tuple(found)


def check_signatures(
    run: Path, allowed_signers: Path | None, timestamp_ca: Path | None = None
) -> Signatures:
    """Every signature of the run against `allowed_signers`; problems are lines.

    Without that file only whether they are of the run, and good ones of whatever key.
    """
    folder = run / FOLDER
    problems = []
    known = {STATEMENT}
    signatures = sorted(folder.glob("*.sig"))
    if not signatures:
        return Signatures()
    try:
        written = (folder / STATEMENT).read_bytes().decode("utf-8")
        problems += statement_differences(written, statement_of(run))
    except (OSError, ValueError) as error:
        return Signatures(problems=(f"{STATEMENT} cannot be read: {first_line(str(error))}",))
    good: list[str] = []
    keys: list[str] = []
    signers: set[str] = set()
    for path in signatures:
        known |= {path.name, path.with_suffix(".tsr").name}
        try:
            mark = fingerprint(path.read_text("ascii"))
            keys.append(mark)
            if signature_name(mark) != path.name:
                raise SigningError(f"{path.name}: is not named after its key, {mark}")
            who = _checked(path, written, allowed_signers)
            stamped = _stamped(path, timestamp_ca)
        except (OSError, ValueError, SigningError) as error:
            problems.append(f"{path.name}: {first_line(str(error))}")
            continue
        signers |= {who} if who else set()
        good.append(f"{f'{who}: ' if who else ''}{mark}{stamped}")
    problems += [
        f"{FOLDER}/{path.name}: is no signature"
        for path in sorted(folder.iterdir())
        if path.name not in known
    ]
    return Signatures(tuple(good), tuple(keys), frozenset(signers), tuple(problems))


def _checked(signature: Path, statement: str, allowed_signers: Path | None) -> str:
    """The principal of a good signature; empty if none is allowed."""
    name = str(signature)
    if allowed_signers is None:
        ran = _run(
            *("ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", name),
            stdin=statement,
        )
        if ran.returncode:
            raise SigningError(f"invalid signature: {_said(ran)}")
        return ""
    allowed = str(allowed_signers)
    found = _run("ssh-keygen", "-Y", "find-principals", "-s", name, "-f", allowed)
    principals = found.stdout.split("\n") if found.returncode == 0 else []
    said = _said(found) or "no such key"
    for principal in filter(None, (one.strip() for one in principals)):
        ran = _run(
            *("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", principal),
            *("-n", NAMESPACE, "-s", name),
            stdin=statement,
        )
        if ran.returncode == 0:
            return printable(principal, 200)
        said = _said(ran)
    raise SigningError(f"not by an allowed signer: {said}")


def _stamped(signature: Path, timestamp_ca: Path | None) -> str:
    token = signature.with_suffix(".tsr")
    if not token.is_file():
        return ""
    if timestamp_ca is None:
        return ", its time stamp not checked (--timestamp-ca)"
    ran = _run(
        *("openssl", "ts", "-verify", "-data", str(signature), "-in", str(token)),
        *("-CAfile", str(timestamp_ca)),
    )
    if ran.returncode:
        raise SigningError(f"its time stamp is invalid: {_said(ran)}")
    shown = _run("openssl", "ts", "-reply", "-in", str(token), "-text")
    times = [line for line in shown.stdout.splitlines() if line.startswith("Time stamp:")]
    return f", {times[0].lower()}" if times else ""


def _run(
    *command: str, stdin: str | None = None, text: bool = True
) -> subprocess.CompletedProcess[str]:
    try:
        ran: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None and command[0] == "openssl" else None,
            capture_output=True,
            text=text,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise SigningError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise SigningError(f"{command[0]} did not end within {_SECONDS:g} s") from None
    return ran


def _said(ran: subprocess.CompletedProcess[str]) -> str:
    said: str | bytes = ran.stderr or ran.stdout
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return first_line(text) or f"exit {ran.returncode}"


def signers_needed(found: Signatures, wanted: int) -> Sequence[str]:
    """A line where fewer signers than wanted have signed."""
    if len(found.signers) >= wanted:
        return ()
    return (f"signed by {len(found.signers)} of {wanted} allowed signers",)
