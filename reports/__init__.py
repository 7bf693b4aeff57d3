"""The sign-off report: made from `signoff.json`, and from nothing else.

`page` turns the document into what the page shows (pure), `templates/` into HTML, `building` reads
and writes the files.
"""

from reports.building import build

__all__ = ["build"]
