"""`sign`, and what `verify` says of signatures: the commands' words and exit statuses."""

from __future__ import annotations

from pathlib import Path

from dpvs_acceptance.verdict.judging import EXIT_NOT_READY, EXIT_READY
from dpvs_acceptance.verdict.manifest import write_page_digests
from dpvs_acceptance.verdict.signing import (
    SigningError,
    check_signatures,
    sign,
    signers_needed,
    stamp,
)
from dpvs_acceptance.verdict.verifying import verify
from dpvs_acceptance.verdict.words import first_line, printable
from reports.building import build, build_pdf


def sign_run(run: Path, key: Path, timestamp: str) -> int:
    """Signs a run that `verify` finds nothing wrong with, and writes its pages again."""
    found = verify(run)
    if found.problems:
        for problem in found.problems:
            print(f"DIFFERENT: {problem}")
        print("not signed: this is not what the run left")
        return EXIT_NOT_READY
    try:
        mark = sign(run, key)
        if timestamp:
            stamp(run, mark, timestamp)
        build_pdf(build(run), run)
        write_page_digests(run)
    except (OSError, ValueError, SigningError) as error:
        print(f"not signed: {printable(first_line(str(error)))}")
        return EXIT_NOT_READY
    print(f"verdict: {found.verdict}")
    print(f"signed with {mark}{', with a time stamp' if timestamp else ''}")
    return EXIT_READY


def signature_problems(
    run: Path, allowed_signers: Path | None, timestamp_ca: Path | None, signers: int
) -> list[str]:
    """Prints who signed; gives a line per thing that is wrong with it."""
    found = check_signatures(run, allowed_signers, timestamp_ca)
    for line in found.good:
        print(f"signed: {line}")
    if not found.keys:
        print("unsigned: a user who can write all files of this run could have replaced them")
    elif allowed_signers is None:
        print("whose keys these are was not checked: --allowed-signers=FILE")
    problems = list(found.problems)
    if allowed_signers is not None:
        problems += signers_needed(found, max(signers, 1))
    return problems
