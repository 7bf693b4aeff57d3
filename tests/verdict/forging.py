"""What somebody can forge of a stored run who has the suite's own code, and can write any file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dpvs_acceptance.verdict.manifest import make_manifest, read_manifest, write_manifest
from dpvs_acceptance.verdict.record import evidence_files, read_record, record_text, text_digest
from dpvs_acceptance.verdict.rederiving import document
from dpvs_acceptance.verdict.signoff import SignOff, to_text
from dpvs_acceptance.verdict.verifying import suite_catalogues

Steps = tuple[str | int, ...]


def rehash(run: Path) -> None:
    """The manifest, made once more over what was altered."""
    old = read_manifest(run)
    made = make_manifest(run, old.run, old.suite_version, old.suite_commit, old.versions)
    write_manifest(made, run)


def reissue(run: Path, plain: dict[str, Any]) -> None:
    """Everything that follows from an altered record: its files, the document, the manifest."""
    record = read_record(json.dumps(plain))
    record = record.model_copy(update={"files": evidence_files(run)})
    text = record_text(record)
    (run / "record.json").write_text(text)
    rows, defects = suite_catalogues()
    (run / "signoff.json").write_text(to_text(document(record, rows, defects, text_digest(text))))
    rehash(run)


def leaves(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Where a document has a value, or a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*steps, key))
        return
    yield steps
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*steps, index))


def each_field(value: Any) -> list[Steps]:
    """Of each field of the document's schema, the first and the last place that has it."""
    found: dict[Steps, list[Steps]] = {}
    for steps in leaves(value):
        kind = tuple("*" if isinstance(step, int) else step for step in steps)
        if steps[0] in ("files", "proving", "versions"):  # mappings: the keys are no fields
            kind = (steps[0], *("*" for _ in steps[1:]))
        found.setdefault(kind, []).append(steps)
    return [place for places in found.values() for place in dict.fromkeys((places[0], places[-1]))]


def at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def schema_at(steps: Steps) -> dict[str, Any]:
    """What the document's schema says of a place."""
    whole = SignOff.model_json_schema(by_alias=True, mode="serialization")
    here = whole
    for step in steps:
        here = _resolved(whole, here)
        here = here["items"] if isinstance(step, int) else here["properties"][step]
    return _resolved(whole, here)


def _resolved(whole: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
    for key in ("anyOf", "allOf"):
        if key in here:
            here = here[key][0]
    while "$ref" in here:
        here = whole["$defs"][here["$ref"].rsplit("/", 1)[1]]
    return here


def forged(value: Any, schema: dict[str, Any]) -> Any:
    """Another value that the schema takes as well."""
    if "enum" in schema:
        return next(one for one in schema["enum"] if one != value)
    if schema.get("format") == "date-time":
        return str(value).replace("2026", "2025").replace("2027", "2025")
    if schema.get("format") == "date":
        return "2031-01-01"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if value < 3 else value - 1
    if isinstance(value, list):
        return value[:-1] if value else [sample(schema["items"])]
    return f"{value}x" if value is not None else 7


def sample(schema: dict[str, Any]) -> Any:
    """A value of the schema, with what it requires alone."""
    whole = SignOff.model_json_schema(by_alias=True, mode="serialization")
    schema = _resolved(whole, schema)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        return {key: sample(inner) for key, inner in schema["properties"].items()}
    formats = {"date": "2031-01-01", "date-time": "2031-01-01T00:00:00Z"}
    plain: dict[Any, Any] = {"array": [], "boolean": False, "integer": 0, "number": 0.0}
    return plain.get(kind, formats.get(schema.get("format", ""), "x"))
