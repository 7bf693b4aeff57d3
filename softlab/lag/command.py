"""`cable unplug|silence|restore NIC`: what a host of the lab takes a bond's cable away with."""

import socket
import sys
from pathlib import Path
from typing import Final

SOCKET: Final = "run/softlab-lag.sock"
_PATH: Final = "usr/local/sbin/cable"
_LAUNCHER: Final = """\
#!{python} -SE
import sys
sys.path.insert(0, "/opt")
from softlab.lag.command import main
sys.exit(main(sys.argv))
"""


def install(root: Path, python: Path) -> None:
    """Lay the command into a host's root."""
    launcher = root / _PATH
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(_LAUNCHER.format(python=python), encoding="utf-8")
    launcher.chmod(0o755)


def main(argv: list[str]) -> int:
    """The command; its exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(5)
        control.connect(f"/{SOCKET}")
        control.sendall(" ".join(argv[1:]).encode())
        answer = control.recv(4096).decode()
    if answer == "ok":
        return 0
    sys.stderr.write(f"cable: {answer}\n")
    return 1
