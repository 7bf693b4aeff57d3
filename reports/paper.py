"""The sign-off document on A4: the page's HTML for print, set by WeasyPrint."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress


class NoPaper(Exception):  # noqa: N818 - no fault of the run
    """Pango, a library of the system, is missing: no PDF can be made on this machine."""


def make_pdf(html: str) -> bytes:
    """The PDF, tagged; the same text always gives the same bytes. Raises OSError, NoPaper.

    Its date of creation is the one that the text names (`dcterms.created`). Nothing is fetched,
    whatever the text names.
    """
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise NoPaper(str(error)) from error
    try:
        nothing = URLFetcher(allowed_protocols=())
        document = weasyprint.HTML(string=html, url_fetcher=nothing)
        made: bytes = document.write_pdf(pdf_tags=True)
    except OSError as error:
        raise OSError(f"the PDF cannot be set: {error}") from error
    return made


def warm_up() -> None:
    """Import the library, a third of a second, while the run waits for its hosts."""
    threading.Thread(target=_import, daemon=True).start()


def _import() -> None:
    with suppress(OSError):  # no Pango: said when the document is made
        importlib.import_module("weasyprint")
