"""What the documents point to is there, and they name nothing outside of the product."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"pytest[^\n`]*?(--[a-z][a-z-]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [t for t in LINK.findall(page.read_text()) if not t.startswith("https://")]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing, f"{page.relative_to(ROOT)}: {missing}"


def test_every_make_target_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    # "make it", "make one": words of a sentence, not commands, stand without backquotes.
    commands = {
        t
        for page in PAGES
        for t in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert commands
    assert commands <= known, f"no such target: {sorted(commands - known)}"


def test_every_option_of_the_readme_is_one_of_the_suite() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "fixtures").glob("*.py"))
    own = {option for page in PAGES for option in OPTION.findall(page.read_text())}
    pytest_s = {"--junitxml", "--alluredir", "--lf", "--tb", "--durations", "--pyargs"}
    unknown = {option for option in own - pytest_s if f'"{option}"' not in sources}
    assert not unknown, f"the documents name options that there are not: {sorted(unknown)}"


def test_every_page_is_in_the_contents_of_the_site() -> None:
    """What `make docs` says too, but later."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^[a-z0-9-]+(?:/README)?$", index, re.MULTILINE))
    names = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    missing = sorted(names - listed)
    assert not missing, f"add to a toctree of docs/index.md: {', '.join(missing)}"
