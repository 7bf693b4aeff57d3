"""The emulated kernel modules of a real server that are loaded: one small file for each."""

import socket
from pathlib import Path
from typing import Final

_DIRECTORY: Final = Path("/run/softlab/modules")
#: By this socket `insmod` and `rmmod` have the UDP server look at what is loaded, and wait for it.
CONTROL: Final = Path("/run/softlab/udp-echo.sock")


def loaded() -> list[str]:
    """Names of the loaded modules, the latest first, as /proc/modules lists them."""
    if not _DIRECTORY.is_dir():
        return []
    files = sorted(_DIRECTORY.iterdir(), key=lambda one: one.stat().st_mtime_ns, reverse=True)
    return [one.name for one in files]


def is_loaded(name: str) -> bool:
    return (_DIRECTORY / name).exists()


def set_loaded(name: str) -> None:
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    (_DIRECTORY / name).touch(exist_ok=False)


def set_unloaded(name: str) -> None:
    (_DIRECTORY / name).unlink()


def tell_server() -> None:
    """Have a running UDP server follow what is loaded now, and wait until it has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(CONTROL))
        except (FileNotFoundError, ConnectionRefusedError):
            return  # no server; the next one looks when it starts
        connection.recv(16)
