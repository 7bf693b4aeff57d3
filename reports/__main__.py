"""`python -m reports build RUN_DIR` makes a run's page again; `… schema` the JSON schema."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError

from dpvs_acceptance.verdict.signoff import schema_text
from reports.building import build

SCHEMA = Path(__file__).parent / "signoff.schema.json"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["build", directory]:
            try:
                build(Path(directory))
            except (OSError, ValidationError, UnicodeDecodeError) as error:
                print(f"reports: no page from {directory}: {error}", file=sys.stderr)
                return 1
            print(Path(directory) / "index.html")
        case ["schema"]:
            SCHEMA.write_text(schema_text(), encoding="utf-8")
            print(SCHEMA)
        case _:
            print("usage: python -m reports build RUN_DIR | schema", file=sys.stderr)
            return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
