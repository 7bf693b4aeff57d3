"""`signoff.json` in, `index.html` out: the only module here that touches files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dpvs_acceptance.verdict.signoff import from_text
from reports.page import make_page

TEMPLATES = Path(__file__).parent / "templates"


def build(run_dir: Path) -> None:
    """Writes `index.html` beside the `signoff.json` in `run_dir`.

    The same document always gives the same bytes. Raises OSError when a file cannot be read or
    written, and pydantic's ValidationError when the document is not a sign-off.
    """
    signoff = from_text((run_dir / "signoff.json").read_text(encoding="utf-8"))
    html = _environment().get_template("index.html.j2").render(page=make_page(signoff))
    partial = run_dir / "index.html.partial"
    partial.write_text(html, encoding="utf-8")
    partial.replace(run_dir / "index.html")


@cache
def _environment() -> Environment:
    # Escaping is on for every template, whatever its name: the page shows what devices said.
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
