"""`python -m benchmarks.fuzzing [INPUTS [SEED]]`: exit 1 where there was a finding."""

from __future__ import annotations

import sys

from benchmarks.fuzzing.running import INPUTS, fuzz


def main(words: list[str]) -> int:
    inputs = int(words[0]) if words else INPUTS
    found = fuzz(inputs, int(words[1]) if len(words) > 1 else None)
    print(found)
    return 1 if found.findings else 0


sys.exit(main(sys.argv[1:]))
