"""What a known line of a log is: pattern, severity, meaning, cause, and where to look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "error", "warning", "normal"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One known line. `meaning` may use the groups of the pattern, {1} {2} ...

    severity: fatal (dpvs exits), error (something does not work), warning (may not work), normal
    (looks like an error but is not).
    """

    pattern: re.Pattern[str]
    severity: Severity
    meaning: str
    cause: str
    look_at: str
    source: str


def row(
    pattern: str, severity: Severity, meaning: str, cause: str, look_at: str, source: str
) -> Signature:
    return Signature(re.compile(pattern), severity, meaning, cause, look_at, source)


MEMORY = "too few hugepages on at least one NUMA node: DPVS allocates its pools on every node"
LOOK_MEMORY = (
    "free_hugepages of every /sys/devices/system/node/node*/hugepages; pktpool_size (about 2.4 KiB "
    "each, per node) and conn_pool_size of dpvs.conf"
)
