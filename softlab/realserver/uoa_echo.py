# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""A UDP server for real servers, in one file: answers each datagram with the peer that it saw.

    {"peer": [address, port], "uoa": [address, port] | null}

`uoa` is the client as uoa.ko knows it, asked by getsockopt (include/uoa.h of DPVS); null without
the module, or where it knows none. Copy this file to the host, python3 is enough:

    python3 uoa_echo.py [PORT]        port 8053 by default; in the foreground
"""

import contextlib
import ctypes
import json
import selectors
import socket
import struct
import sys
from typing import Any, Callable, List, Optional

LOOKUP = 2048  # UOA_SO_GET_LOOKUP, of IPPROTO_IP whatever the family
# struct uoa_param_map, packed: af, saddr, daddr, sport, dport; real_af, real_saddr, real_sport.
ASKED = struct.Struct("=H16s16s2s2sH16s2s")
IP_PKTINFO = 8

GetSockOpt = Callable[[int, int, int, Any, Any], int]


def client_of(
    fd: int, peer: str, port: int, own_port: int, family: int, getsockopt: GetSockOpt
) -> Optional[List[object]]:
    """The client of a flow as uoa.ko knows it, [address, port]; None if it knows none.

    The address of the host itself is left open, which the module takes for any.
    """
    four = family == socket.AF_INET
    source = socket.inet_pton(socket.AF_INET if four else socket.AF_INET6, peer).ljust(16, b"\0")
    ports = struct.pack("!H", port), struct.pack("!H", own_port)
    asked = ctypes.create_string_buffer(
        ASKED.pack(family, source, bytes(16), ports[0], ports[1], 0, bytes(16), b"\0\0"), ASKED.size
    )
    length = ctypes.c_uint(ASKED.size)
    if getsockopt(fd, socket.IPPROTO_IP, LOOKUP, asked, ctypes.byref(length)) != 0:
        return None
    real_family, real, real_port = ASKED.unpack(asked.raw)[5:]
    if real_family not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = real[: 4 if real_family == socket.AF_INET else 16]
    return [socket.inet_ntop(real_family, address), struct.unpack("!H", real_port)[0]]


def answer(one: socket.socket, port: int, getsockopt: GetSockOpt) -> None:
    """Read one datagram and answer it, from the address that was asked."""
    _, ancillary, _, peer = one.recvmsg(65536, 512)
    control = []
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            control = [(level, kind, struct.pack("@I4s4s", 0, value[8:12], bytes(4)))]
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            control = [(level, kind, struct.pack("@16sI", value[:16], 0))]
    address = peer[0].split("%")[0]
    uoa = client_of(one.fileno(), address, peer[1], port, one.family, getsockopt)
    text = json.dumps({"peer": [address, peer[1]], "uoa": uoa})
    one.sendmsg([text.encode()], control, 0, peer)


def listen(family: int, port: int) -> socket.socket:
    """A socket of one family."""
    one = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        one.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    one.bind(("", port))
    return one


def main() -> None:
    """Serve until the process is ended."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8053
    getsockopt = ctypes.CDLL(None, use_errno=True).getsockopt
    selector = selectors.DefaultSelector()
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            selector.register(listen(family, port), selectors.EVENT_READ)
        except OSError as error:
            sys.exit("uoa_echo: port {}: {}".format(port, error.strerror))  # noqa: UP032
    print("listening on port", port, flush=True)
    while True:
        for key, _ in selector.select():
            # One datagram that cannot be answered (no route back) is not the server's end.
            with contextlib.suppress(OSError):
                answer(key.fileobj, port, getsockopt)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
