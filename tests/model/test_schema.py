"""The schemas for editors are those of the models, and accept what the models accept."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from dpvs_acceptance.model.schema import ROOT, SCHEMAS, schema_text


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schema_is_current(path: Path) -> None:
    assert path.read_text() == schema_text(*SCHEMAS[path]), (
        "run: python -m dpvs_acceptance.model.schema"
    )


def files() -> list[tuple[Path, Path]]:
    return [
        (declared, schema)
        for schema in SCHEMAS
        for declared in sorted(schema.parent.glob("*.yaml"))
    ]


@pytest.mark.parametrize(("declared", "schema"), files(), ids=lambda path: path.name)
def test_what_is_declared_here_fits_its_schema(declared: Path, schema: Path) -> None:
    jsonschema.validate(yaml.safe_load(declared.read_text()), json.loads(schema.read_text()))
    first = declared.read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema.name}", declared.relative_to(ROOT)
