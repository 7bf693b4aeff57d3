"""Asking the emulated hardware of this host."""

import json
import socket
import sys
from typing import Any, NoReturn

SOCKET = "/run/emulated.sock"


def ask(op: str, **values: Any) -> dict[str, Any]:
    """One request and its answer; {"error", "errno"} is a refusal.

    Ends the command with status 1 when there is no daemon.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(SOCKET)
            connection.sendall(json.dumps({"op": op, **values}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline())
    except (OSError, ValueError) as error:
        fail(f"the emulated hardware does not answer at {SOCKET}: {error}")
    return dict(answer)


def fail(text: str, status: int = 1) -> NoReturn:
    """End the command: `text` on standard error."""
    sys.stdout.flush()
    print(text, file=sys.stderr)
    sys.exit(status)
