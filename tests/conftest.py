"""What holds for all of the project's own tests."""

from __future__ import annotations

import os
import tempfile

from hypothesis import settings

from tests.pipeline import clone, pipeline

__all__ = ["clone", "pipeline"]

# `make fuzz` takes the second one. Slowness is judged by time of the processor, in the tests.
settings.register_profile("tests", max_examples=50, deadline=None, database=None)
settings.register_profile("fuzz", max_examples=3000, deadline=None, database=None)
settings.load_profile("tests")

# pytest shortens its summary lines unless it finds itself in a CI. The runs that tests start, and
# whose words they hold it to, are to look the same everywhere.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)

# Where no bytecode may be kept, each run that a test starts would compile the suite and pytest's
# own modules anew, for a second or more: here all of them share a folder that goes away.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    _BYTECODE = tempfile.TemporaryDirectory(prefix="dpvs-bytecode-")
    os.environ["PYTHONPYCACHEPREFIX"] = _BYTECODE.name
