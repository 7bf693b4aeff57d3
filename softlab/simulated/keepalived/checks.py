"""One attempt of each kind of check, over real sockets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import socket
import ssl
import struct
import subprocess
import time
from typing import TYPE_CHECKING

from softlab.simulated import quirks

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from softlab.simulated.keepalived.conf import Block, Checker

DYNAMIC = 2
"""The least exit status of a MISC_CHECK that is a weight, and what it is more than that."""
_DNS_TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28}


def attempt(checker: Checker, points: Set[str]) -> tuple[bool, int | None]:
    """Whether the real server is good, and the weight that the check gives it, if it does."""
    if checker.kind == "MISC_CHECK":
        return _misc(checker, points)
    try:
        return _KINDS[checker.kind](checker, points), None
    except (OSError, ValueError):
        return False, None


def _connected(checker: Checker, kind: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in checker.addr else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.settimeout(checker.timeout)
        sock.connect((checker.addr, checker.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _tcp(checker: Checker, _points: Set[str]) -> bool:
    with _connected(checker, socket.SOCK_STREAM):
        return True


def _http(checker: Checker, points: Set[str]) -> bool:
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(_connected(checker, socket.SOCK_STREAM))
        if quirks.KEEPALIVED_CONNECTS_ONLY in points:
            return True
        if checker.kind == "SSL_GET":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = stack.enter_context(context.wrap_socket(sock))
        return all(_url(checker, sock, url) for url in checker.block.all("url")[:1])


def _url(checker: Checker, sock: socket.socket, url: Block) -> bool:
    host = url.word("virtualhost") or checker.block.word("virtualhost")
    where = f"[{checker.addr}]" if ":" in checker.addr else checker.addr
    head = f"GET {url.word('path', '/')} HTTP/1.0\r\nHost: {host or f'{where}:{checker.port}'}\r\n"
    sock.sendall(f"{head}User-Agent: KeepAliveClient\r\n\r\n".encode())
    deadline = time.monotonic() + checker.timeout
    answer = b""
    while True:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        if not (part := sock.recv(65536)):
            break
        answer += part
    head_raw, _, body = answer.partition(b"\r\n\r\n")
    status = head_raw.split(b" ", 2)[1].decode()
    wanted = url.all("status_code")
    digest = url.word("digest")
    if digest and hashlib.md5(body, usedforsecurity=False).hexdigest() != digest:
        return False
    codes = wanted[0].words[1:] if wanted else ("200",)
    return status in codes or (bool(digest) and not wanted)


def _udp(checker: Checker, points: Set[str]) -> bool:
    payload = bytes.fromhex(checker.block.word("payload", "").replace(" ", ""))
    with _connected(checker, socket.SOCK_DGRAM) as sock:
        sock.send(payload)
        try:
            sock.recv(65536)
        except TimeoutError:
            silent = not checker.block.has("require_reply")
            return silent or quirks.KEEPALIVED_SILENCE_IS_FINE in points
        return True


def _dns(checker: Checker, points: Set[str]) -> bool:
    name = checker.block.word("name", ".").strip(".")
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split(".") if one)
    number = int.from_bytes(os.urandom(2), "big")
    kind = _DNS_TYPES[checker.block.word("type", "SOA")]
    asked = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0)
    with _connected(checker, socket.SOCK_DGRAM) as sock:
        sock.send(asked + labels + b"\0" + struct.pack("!HH", kind, 1))
        try:
            answer = sock.recv(65536)
        except TimeoutError:
            # The real one waits for ever (docs/findings.md, 26), and so learns nothing.
            return quirks.KEEPALIVED_DNS_ENDS not in points
    got, flags = struct.unpack_from("!HH", answer)
    return got == number and bool(flags & 0x8000) and not flags & 0xF


def _misc(checker: Checker, points: Set[str]) -> tuple[bool, int | None]:
    words = shlex.split(checker.block.word("misc_path"))
    try:
        done = subprocess.run(words, timeout=checker.timeout, capture_output=True)
    except (OSError, subprocess.TimeoutExpired):
        return False, None
    status = done.returncode
    if status == 0 or quirks.KEEPALIVED_STATUS_UNREAD in points:
        return True, None
    if status >= DYNAMIC and checker.block.has("misc_dynamic"):
        return True, status - DYNAMIC
    return False, None


_KINDS: dict[str, Callable[[Checker, Set[str]], bool]] = {
    "TCP_CHECK": _tcp,
    "HTTP_GET": _http,
    "SSL_GET": _http,
    "UDP_CHECK": _udp,
    "DNS_CHECK": _dns,
}
