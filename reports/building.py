"""A run's directory in, its pages out: the only module here that writes files."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dpvs_acceptance.verdict.comparing import Comparison
from dpvs_acceptance.verdict.fleet import Balancers, Member
from dpvs_acceptance.verdict.junit import rows_file
from dpvs_acceptance.verdict.matrix import Matrix
from dpvs_acceptance.verdict.outcomes import Outcome
from dpvs_acceptance.verdict.signoff import SignOff, from_text
from reports.ctrf import make_ctrf
from reports.drawing import Picture, svg
from reports.markdown import make_markdown
from reports.metrics import make_metrics
from reports.page import make_page
from reports.paper import NoPaper, make_pdf
from reports.pieces import SHAPES
from reports.reading import read_kept
from reports.shown import Page

TEMPLATES = Path(__file__).parent / "templates"


def build(run_dir: Path, language: str = "") -> Page:
    """Writes the pages but the PDF, and the files for other programs, from `signoff.json`.

    `language`, `en` or `zh`, instead of the run's own. The same run always gives the same bytes.
    Gives what the pages show, of which `build_pdf` makes the document on paper.
    Raises OSError when a file cannot be read or written, and pydantic's ValidationError when the
    document is not a sign-off.
    """
    page = read_page(run_dir, language)
    for name, text in (render(page) | exports(run_dir)).items():
        _write(run_dir / name, text.encode("utf-8"))
    return page


def build_pdf(page: Page, run_dir: Path) -> None:
    """Writes `signoff.pdf`: what was judged, on A4, with the decision on the first page.

    Where this machine cannot make a PDF there is none, also no earlier one. Raises OSError.
    """
    target = run_dir / "signoff.pdf"
    try:
        _write(target, make_pdf(_html(page, "paper.html.j2")))
    except NoPaper:
        target.unlink(missing_ok=True)


def read_page(run_dir: Path, language: str = "") -> Page:
    """What the pages of a run show."""
    signoff = from_text((run_dir / "signoff.json").read_text(encoding="utf-8"))
    if language:
        signoff = signoff.model_copy(update={"language": language})
    manifest = run_dir / "manifest.json"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else ""
    kept = read_kept(run_dir, signoff.transcript, evidence_of(signoff), digest)
    return make_page(signoff, kept)


def render(page: Page) -> dict[str, str]:
    """The text pages by their file names."""
    return {"index.html": _html(page, "index.html.j2"), "signoff.md": make_markdown(page)}


def exports(run_dir: Path) -> dict[str, str]:
    """The same run for other programs, by file name: rows as JUnit, CTRF, OpenMetrics."""
    signoff = from_text((run_dir / "signoff.json").read_text(encoding="utf-8"))
    return {
        "rows.xml": rows_file(signoff),
        "ctrf.json": make_ctrf(signoff),
        "openmetrics.txt": make_metrics(signoff),
    }


def _html(page: Page, template: str) -> str:
    numbers = count(1)
    paper = template == "paper.html.j2"

    def draw(picture: Picture) -> Markup:
        # All text in it is escaped there.
        return Markup(svg(picture, f"p{next(numbers)}", alone=paper))  # noqa: S704

    made = _environment().get_template(template)
    return made.render(page=page, t=page.say, draw=draw, paper=paper)


def render_comparison(comparison: Comparison) -> str:
    """Two runs compared, as one page of its own."""
    return _environment().get_template("diff.html.j2").render(comparison=comparison)


def render_matrix(matrix: Matrix) -> str:
    """Several runs side by side, as one page of its own."""
    return _environment().get_template("matrix.html.j2").render(matrix=matrix, shapes=SHAPES)


def render_fleet(fleet: Balancers) -> str:
    """Many devices, as one page of its own."""
    groups: dict[str, list[Member]] = {}
    for one in fleet.members:
        groups.setdefault(one.version, []).append(one)
    verdicts = Counter(one.verdict for one in fleet.members).most_common()
    made = _environment().get_template("fleet.html.j2")
    return made.render(
        fleet=fleet, groups=groups.items(), verdicts=verdicts, shapes=SHAPES, marks=_MARKS
    )


_MARKS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✗",
    Outcome.FLAKY: "~",
    Outcome.BLOCKED: "■",
    Outcome.NOT_SUPPORTED: "–",
    Outcome.PARTIAL: "◐",
    Outcome.NOT_TESTED: "·",
    Outcome.NOT_APPLICABLE: "○",
}
"""A cell of the fleet's table: read without its colour too."""


def evidence_of(signoff: SignOff) -> tuple[str, ...]:
    """All files that checks name, each once."""
    checks = [check for row in signoff.requirements for check in row.checks]
    checks += signoff.other_checks
    return tuple(dict.fromkeys(path for check in checks for path in check.evidence))


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


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
