"""What holds for all of the project's own tests."""

from __future__ import annotations

import os

# pytest shortens its summary lines unless it finds itself in a CI. The runs that tests start, and
# whose words they hold it to, are to look the same everywhere.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)
