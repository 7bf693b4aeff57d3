"""The sign-off document as PDF."""

from reports.pdf.document import make_pdf

__all__ = ["make_pdf"]
