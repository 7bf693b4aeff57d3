"""`ipvsadm -Ln --persistent-conn`: number of persistent clients by service and real server."""

from __future__ import annotations

import re

_SERVICE = re.compile(r"(TCP|UDP|SCTP)\s+(\S+)\s")
_SERVER = re.compile(r"\s+->\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$")


def held_clients(text: str, protocol: str, service: str) -> dict[str, int]:
    """Real server to number of templates (PersistConn) of a service, in ipvsadm's notation.

    protocol: tcp or udp. Raises ValueError if the service is not listed, or a line of its real
    servers cannot be parsed.
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
                raise ValueError(f"ipvsadm --persistent-conn: cannot parse the line {line!r}")
            found[row[1]] = int(row[3])
    if found is None:
        raise ValueError(f"ipvsadm --persistent-conn lists no {protocol} service {service}")
    return found
