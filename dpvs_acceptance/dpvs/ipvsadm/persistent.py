"""`ipvsadm -Ln --persistent-conn`: how many clients each service holds at a real server."""

from __future__ import annotations

import re

_SERVICE = re.compile(r"(TCP|UDP|SCTP)\s+(\S+)\s")
_SERVER = re.compile(r"\s+->\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$")


def held_clients(text: str, protocol: str, service: str) -> dict[str, int]:
    """Real server to templates (PersistConn) of the service, as ipvsadm writes both ends.

    protocol: tcp or udp. Raises ValueError where the service is not listed, or a line of its real
    servers is not understood.
    """
    found: dict[str, int] | None = None
    for line in text.splitlines():
        if head := _SERVICE.match(line):
            if found is not None:
                break
            if (head[1].lower(), head[2]) == (protocol, service):
                found = {}
        elif found is not None and line.strip():
            row = _SERVER.match(line)
            if row is None:
                raise ValueError(f"ipvsadm --persistent-conn: line not understood: {line!r}")
            found[row[1]] = int(row[3])
    if found is None:
        raise ValueError(f"ipvsadm --persistent-conn lists no {protocol} service {service}")
    return found
