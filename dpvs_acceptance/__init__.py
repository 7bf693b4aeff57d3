"""Acceptance and conformance testing of DPVS: the library under the pytest suite.

Nothing here imports pytest; nothing here knows what kind of device it talks to.
"""

__version__ = "0.1.0"
