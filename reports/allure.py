"""Allure's own report of a run, with whatever would tell a third party of it taken out.

Allure 3 puts a script of Google's analytics into each page that it makes. Our pages ask nothing of
any other place, and neither does this one: the script goes, a content security policy refuses what
is left, and `outside` names an address that is still there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSION = "3.18.0"
"""Of the npm package `allure`: fixed, so that the cleaning is known to be enough."""

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'self\' data: blob: '
    "'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; form-action 'none'\">"
    '<meta name="referrer" content="no-referrer">'
)
_SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL | re.IGNORECASE)
_ANALYTICS = re.compile(r"googletagmanager|gtag\(|dataLayer|google-analytics", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?:)?//(?!localhost\b)(?:[a-z0-9-]+\.)+[a-z]{2,}[a-zA-Z0-9._~/?=&-]*"
)
# Names of languages, not places: nothing is fetched from them.
_NAMESPACE = re.compile(r"https?://www\.w3\.org/")


class AllureError(Exception):
    """There is no report, and why."""


def make_allure(run_dir: Path) -> Path:
    """Makes `allure-report/` of the run's `allure-results/`; gives its page. Raises AllureError."""
    results, report = run_dir / "allure-results", run_dir / "allure-report"
    if not results.is_dir():
        raise AllureError(f"{results} is missing: was the run made with -p no:allure_pytest?")
    npx = shutil.which("npx")
    if npx is None:
        raise AllureError("Allure's report needs Node (npx); index.html needs nothing")
    shutil.rmtree(report, ignore_errors=True)
    command = [npx, "--yes", f"allure@{VERSION}", "generate", str(results), "-o", str(report)]
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ran.returncode or not (report / "index.html").is_file():
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise AllureError(f"allure ended with {ran.returncode}: {said[-1] if said else 'no word'}")
    for path in _texts(report):
        path.write_text(clean(path.read_text("utf-8"), path.suffix), encoding="utf-8")
    if left := sorted(outside(report)):
        raise AllureError(f"the report names outside addresses: {', '.join(left[:5])}")
    return report / "index.html"


def clean(text: str, suffix: str) -> str:
    """A file of the report without analytics, and without addresses outside of it."""
    if suffix == ".html":
        text = _SCRIPT.sub(lambda found: "" if _ANALYTICS.search(found[0]) else found[0], text)
        text = text.replace("<head>", "<head>" + _POLICY, 1)
    return _ADDRESS.sub(lambda found: found[0] if _kept(found[0]) else "about:blank", text)


def outside(report: Path) -> Iterator[str]:
    """Addresses outside of the report that its pages and programs name."""
    for path in _texts(report):
        text = path.read_text("utf-8")
        yield from (one for one in _ADDRESS.findall(text) if not _kept(one))
        if _ANALYTICS.search(text) and path.suffix == ".html":
            yield f"analytics in {path.name}"


def _kept(address: str) -> bool:
    return _NAMESPACE.match(address) is not None or not address.startswith("http")


def _texts(report: Path) -> list[Path]:
    return sorted(path for path in report.rglob("*") if path.suffix in (".html", ".js", ".css"))
