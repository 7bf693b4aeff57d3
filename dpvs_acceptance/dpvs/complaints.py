"""What dpip and ipvsadm say on stderr when dpvs refuses (tools' sockopt.c).

Exit codes and last words of the tools lie: ipvsadm prints `Success` after most failures, and dpip
exits 0 after some. This reads the one line that does not: the error that came back over the socket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFUSED = re.compile(
    r"\[\w+\] errcode set in socket msg#([0-9]{1,9}) header: (.+)\((-?[0-9]{1,9})\)"
)
_UNREACHED = re.compile(r"\[\w+\] scoket msg connection error: (.+)")


@dataclass(frozen=True, slots=True)
class Complaint:
    """message: number of the request that failed; code: DPVS's error (-3 exists, -4 not exist ...).

    Both are None where the tool did not reach dpvs at all, and `reason` is the system's.
    """

    reason: str
    message: int | None = None
    code: int | None = None


def complaints(stderr: str) -> tuple[Complaint, ...]:
    """Every error of the control socket in `stderr`, in order; other lines are the tools' own."""
    found: list[Complaint] = []
    for line in stderr.splitlines():
        if (refused := _REFUSED.fullmatch(line.strip())) is not None:
            found.append(Complaint(refused[2], int(refused[1]), int(refused[3])))
        elif (unreached := _UNREACHED.fullmatch(line.strip())) is not None:
            found.append(Complaint(unreached[1]))
    return tuple(found)
