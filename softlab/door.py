"""The door from the machine into a lab: ssh's ProxyCommand.

    ProxyCommand PYTHON -I -S door.py PID INODE %h %p
    ProxyUseFdpass yes

Enters the lab's fabric (the network namespace of process PID), connects to the host's sshd there
and hands the connected socket back to ssh, which goes on alone: no process stays between ssh and
sshd, and the machine's own network namespace holds no link to the lab. Started once per
connection, so it imports as little as Python allows. INODE distinguishes the
namespace from that of a later process with the same PID.
"""

import _socket
import os
import struct
import sys


def enter(path: str) -> None:
    """setns(2) into a network namespace; `os.setns` came with Python 3.12."""
    fd = os.open(path, os.O_RDONLY)
    if hasattr(os, "setns"):
        os.setns(fd, 0x40000000)
    else:
        import ctypes

        if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    os.close(fd)


def main(arguments: list[str]) -> None:
    pid, inode, host, port = arguments
    namespace = f"/proc/{pid}/ns/net"
    try:
        # pathlib's import alone would double the time this script takes.
        if os.stat(namespace).st_ino != int(inode):  # noqa: PTH116
            raise OSError("another process has its number")
        enter(namespace)
    except PermissionError:
        raise SystemExit(f"softlab: entering the lab to reach {host} needs root") from None
    except OSError:
        raise SystemExit(f"softlab: the lab of {host} is gone (process {pid})") from None
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.connect((host, int(port)))
    except OSError as error:
        raise SystemExit(f"softlab: no sshd at {host}:{port}: {error.strerror}") from None
    right = struct.pack("i", connection.fileno())
    ssh = _socket.socket(fileno=1)
    ssh.sendmsg([b"\0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, right)])


if __name__ == "__main__":
    main(sys.argv[1:])
