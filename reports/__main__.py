"""`python -m reports build RUN [--lang=zh]` makes a run's pages again; `schema` the schema,
`topologies` their page and drawings in the documents."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError

from dpvs_acceptance.verdict.manifest import write_page_digests
from dpvs_acceptance.verdict.signoff import schema_text
from reports import topologies
from reports.allure import AllureError, make_allure
from reports.building import build, build_pdf

SCHEMA = Path(__file__).parent / "signoff.schema.json"


def main(arguments: list[str]) -> int:
    language = next((a[7:] for a in arguments if a in ("--lang=en", "--lang=zh")), "")
    match [argument for argument in arguments if argument not in ("--lang=en", "--lang=zh")]:
        case ["build", directory]:
            try:
                build_pdf(build(Path(directory), language), Path(directory))
                write_page_digests(Path(directory))
            except (OSError, ValidationError, UnicodeDecodeError) as error:
                print(f"reports: no page from {directory}: {error}", file=sys.stderr)
                return 1
            print(Path(directory) / "index.html")
        case ["allure", directory]:
            try:
                print(make_allure(Path(directory)))
            except AllureError as error:
                print(f"reports: {error}", file=sys.stderr)
                return 1
        case ["schema"]:
            SCHEMA.write_text(schema_text(), encoding="utf-8")
            print(SCHEMA)
        case ["topologies"]:
            topologies.write()
            print(topologies.PAGE)
        case _:
            usage = (
                "usage: python -m reports build RUN_DIR [--lang=en|zh] | allure RUN_DIR | schema "
                "| topologies"
            )
            print(usage, file=sys.stderr)
            return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
