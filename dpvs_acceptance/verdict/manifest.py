"""`manifest.json`: the SHA-256 of each file of a run, and the versions of the programs used.

It covers all files of a run except the pages (`PAGES`) and itself. An attacker who can change a
file can change the manifest too; therefore keep its digest, which the pages show, elsewhere: by
signature or in a ticket.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NAME = "manifest.json"
PAPER = "signoff.pdf"
PAGES = ("index.html", "signoff.md", PAPER, "rows.xml", "ctrf.json", "openmetrics.txt")
"""Made from the sign-off document, for people and for other programs."""
PAGES_NAME = "pages.sha256"
"""Digests of the pages, in the form of `sha256sum`; the pages show the manifest's."""
# Files for other programs, which no verdict depends on; and signatures of the manifest.
_NOT_EVIDENCE = frozenset({"allure-results", "allure-report", "signatures"})


class Manifest(BaseModel):
    """Files by path relative to the run, each with its digest and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal[1] = Field(1, alias="schema")
    run: str
    suite_version: str
    suite_commit: str
    suite_clean: bool
    versions: Mapping[str, str] = Field(description="of Python and of the libraries that judge")
    files: Mapping[str, tuple[str, int]] = Field(description="path to SHA-256 and bytes")


def list_files(directory: Path) -> list[Path]:
    """Files that a manifest of this run must list, in order. Does not follow links."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in _NOT_EVIDENCE)
        found += [Path(folder) / name for name in names]
    left_out = {directory / name for name in (*PAGES, NAME, PAGES_NAME)}
    return sorted(
        path for path in found if path not in left_out and not path.name.endswith(".partial")
    )


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 in hex, and size. For a link: of the name of its target."""
    if path.is_symlink():
        target = os.fsencode(os.readlink(path))  # noqa: PTH115 - its bytes, not a path
        return hashlib.sha256(b"link " + target).hexdigest(), len(target)
    data = path.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)


def make_manifest(
    directory: Path, run: str, version: str, commit: str, versions: Mapping[str, str]
) -> Manifest:
    """The entries for the current content of the run's directory."""
    return Manifest(
        schema=1,
        run=run,
        suite_version=version,
        suite_commit=commit,
        suite_clean=not commit.endswith("-dirty") and commit != "unknown",
        versions=versions,
        files={
            path.relative_to(directory).as_posix(): digest(path) for path in list_files(directory)
        },
    )


def write_manifest(manifest: Manifest, directory: Path) -> str:
    """Writes `manifest.json`; gives its own SHA-256."""
    plain = manifest.model_dump(mode="json", by_alias=True)
    text = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    partial = directory / f"{NAME}.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(directory / NAME)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_page_digests(directory: Path) -> None:
    """Writes digests of the existing pages, for `sha256sum -c pages.sha256`."""
    there = [name for name in PAGES if (directory / name).is_file()]
    text = "".join(f"{digest(directory / name)[0]}  {name}\n" for name in there)
    (directory / PAGES_NAME).write_text(text, encoding="ascii")


def altered_pages(directory: Path) -> list[str]:
    """Pages that were altered, one line each."""
    try:
        lines = (directory / PAGES_NAME).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return [f"{PAGES_NAME}: is missing or cannot be read"]
    wanted = {name: value for value, _, name in (line.partition("  ") for line in lines)}
    # A machine without Pango makes no PDF.
    due = [name for name in PAGES if name != PAPER or (directory / name).exists()]
    problems = [f"{name}: is not in {PAGES_NAME}" for name in due if name not in wanted]
    for name, value in wanted.items():
        if name not in PAGES:
            problems.append(f"{PAGES_NAME}: {name!r} is not a page")
        elif not (directory / name).is_file():
            problems.append(f"{name}: is missing")
        elif digest(directory / name)[0] != value:
            problems.append(f"{name}: was altered")
    return problems


def read_manifest(directory: Path) -> Manifest:
    """OSError if there is none, pydantic's ValidationError if it is invalid."""
    return Manifest.model_validate_json((directory / NAME).read_text(encoding="utf-8"))


def altered(manifest: Manifest, directory: Path) -> list[str]:
    """All differences between directory and manifest, one line each."""
    there = {path.relative_to(directory).as_posix(): path for path in list_files(directory)}
    problems = [f"{name}: is missing" for name in manifest.files if name not in there]
    problems += [f"{name}: was added after the run" for name in there if name not in manifest.files]
    for name, (wanted, size) in manifest.files.items():
        if name in there:
            seen, seen_size = digest(there[name])
            if (seen, seen_size) != (wanted, size):
                words = (
                    f"{size} bytes, now {seen_size}" if size != seen_size else "of the same size"
                )
                problems.append(f"{name}: was altered ({words})")
    return sorted(problems)
