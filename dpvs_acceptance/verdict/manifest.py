"""`manifest.json`: the SHA-256 of each file of a run, and what made them.

It covers everything that a run leaves but the pages made from it (`PAGES`) and itself. Whoever can
change a file can change the manifest too: what protects it is that its own digest, which the pages
show, is kept elsewhere, by signature or in a ticket.
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
PAGES = ("index.html", "signoff.md", "signoff.pdf")
PAGES_NAME = "pages.sha256"
"""Digests of the pages, in the form of `sha256sum`; the pages show the manifest's."""
# Copies for another program's report, by which nothing is judged; and signatures of the manifest.
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
    """What a manifest of this run has to name, in order. Links are not followed."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in _NOT_EVIDENCE)
        found += [Path(folder) / name for name in names]
    left_out = {directory / name for name in (*PAGES, NAME, PAGES_NAME)}
    return sorted(
        path for path in found if path not in left_out and not path.name.endswith(".partial")
    )


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 in hex, and size. A link counts as what it points to, by name: it is no evidence."""
    if path.is_symlink():
        target = os.fsencode(os.readlink(path))  # noqa: PTH115 - its bytes, not a path
        return hashlib.sha256(b"link " + target).hexdigest(), len(target)
    data = path.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)


def make_manifest(
    directory: Path, run: str, version: str, commit: str, versions: Mapping[str, str]
) -> Manifest:
    """Of all that stands in the run's directory now."""
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
    """Of the pages that are there, so that `sha256sum -c pages.sha256` can tell too."""
    there = [name for name in PAGES if (directory / name).is_file()]
    text = "".join(f"{digest(directory / name)[0]}  {name}\n" for name in there)
    (directory / PAGES_NAME).write_text(text, encoding="ascii")


def altered_pages(directory: Path) -> list[str]:
    """Pages that are not what the run left."""
    try:
        lines = (directory / PAGES_NAME).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return [f"{PAGES_NAME}: is missing or cannot be read"]
    wanted = {name: value for value, _, name in (line.partition("  ") for line in lines)}
    problems = [f"{name}: is not in {PAGES_NAME}" for name in PAGES if name not in wanted]
    for name, value in wanted.items():
        if name not in PAGES:
            problems.append(f"{PAGES_NAME}: names {name!r}, which is no page")
        elif not (directory / name).is_file():
            problems.append(f"{name}: is missing")
        elif digest(directory / name)[0] != value:
            problems.append(f"{name}: was altered")
    return problems


def read_manifest(directory: Path) -> Manifest:
    """OSError where there is none, pydantic's ValidationError where it is not one."""
    return Manifest.model_validate_json((directory / NAME).read_text(encoding="utf-8"))


def altered(manifest: Manifest, directory: Path) -> list[str]:
    """Every way in which the directory is not what the manifest says, a line each."""
    there = {path.relative_to(directory).as_posix(): path for path in list_files(directory)}
    problems = [f"{name}: is missing" for name in manifest.files if name not in there]
    problems += [
        f"{name}: was not there when the run ended" for name in there if name not in manifest.files
    ]
    for name, (wanted, size) in manifest.files.items():
        if name in there:
            seen, seen_size = digest(there[name])
            if (seen, seen_size) != (wanted, size):
                words = (
                    f"{size} bytes, now {seen_size}" if size != seen_size else "of the same size"
                )
                problems.append(f"{name}: was altered ({words})")
    return sorted(problems)
