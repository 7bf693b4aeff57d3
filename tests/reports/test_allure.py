"""What is left of Allure's page names no other place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.allure import AllureError, clean, make_allure, outside

# As Allure 3.18.0 writes it, shortened.
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8">
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E"></head><body>
<script   src="app-b3.js"></script>
<script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
<script>
    window.dataLayer = window.dataLayer || [];
    function gtag(){dataLayer.push(arguments);}
    gtag('config', 'G-LNDJ3J7WT0', {"report": "awesome"});
</script>
<script async>window.allureReportDataReady = true;</script></body></html>
"""
PROGRAM = (
    'a("a",{href:"https://allurereport.org"});b="http://www.w3.org/2000/svg";c="https://localhost"'
)


def test_analytics_go_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "app-b3.js").write_text(PROGRAM)
    assert len(list(outside(tmp_path))) == 3
    page = clean(PAGE, ".html")
    program = clean(PROGRAM, ".js")
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "app-b3.js").write_text(program)
    assert list(outside(tmp_path)) == []
    assert "gtag" not in page
    assert '<script   src="app-b3.js"></script>' in page
    assert "allureReportDataReady" in page
    assert "connect-src 'self'" in page
    assert "http://www.w3.org/2000/svg" in program
    assert 'href:"about:blank"' in program


def test_without_results_or_node_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AllureError, match="allure-results is missing"):
        make_allure(tmp_path)
    (tmp_path / "allure-results").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AllureError, match="needs Node"):
        make_allure(tmp_path)
