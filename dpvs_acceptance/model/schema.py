"""JSON Schemas of topologies and benches, for editors. `python -m dpvs_acceptance.model.schema`."""

from __future__ import annotations

import json
from pathlib import Path

from dpvs_acceptance.model.bench import Bench
from dpvs_acceptance.model.topology import Declared, Topology

ROOT = Path(__file__).resolve().parents[2]
# Keys that the loader fills in are left out.
SCHEMAS: dict[Path, tuple[type[Declared], str]] = {
    ROOT / "topologies/topology.schema.json": (Topology, "name"),
    ROOT / "benches/bench.schema.json": (Bench, "path"),
}


def schema_text(model: type[Declared], filled_in: str) -> str:
    """The JSON Schema of a declaration, as stored in the repository."""
    schema = model.model_json_schema()
    del schema["properties"][filled_in]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for path, (model, filled_in) in SCHEMAS.items():
        path.write_text(schema_text(model, filled_in), encoding="utf-8")


if __name__ == "__main__":
    main()
