"""The sign-off report, made from a run's `signoff.json` and its evidence, and from nothing else.

`reading` reads the evidence, `page` makes of both what the pages show, with pictures as plain
shapes (`topology_picture`, `ladder`, `charts`, `drawing`); `templates/` make HTML of it, `markdown`
and `paper` the others; `building` writes the files.
"""

from reports.building import build, build_pdf

__all__ = ["build", "build_pdf"]
