"""The documents as a site: `make docs`, by Sphinx.

Sphinx and not mkdocs-material, which is no longer maintained from May 2027 on. The pages are the
Markdown that is also read in the repository.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

project = "dpvs-acceptance"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "dpvs-acceptance"
html_show_copyright = False
myst_heading_anchors = 4
exclude_patterns = ["topologies/*.md"]
nitpicky = False

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s#:]+)(?:#[^)]*)?\)")


def _without_outside_links(_app: Any, name: str, source: list[str]) -> None:
    """Links to files that are not part of the site become text with the path in the repository."""
    folder = posixpath.dirname(name)

    def shown(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link["target"]))
        if path.startswith("docs/") and path.endswith((".md", ".svg", ".png")):
            return link[0]
        text = link["text"]
        return f"`{path}`" if text.strip("`") in path else f"{text} (`{path}`)"

    source[0] = _LINK.sub(shown, source[0])


def setup(app: Any) -> None:
    app.connect("source-read", _without_outside_links)
