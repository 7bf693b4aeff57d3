"""The lab's keepalived against the servers that a check controls: each kind of check, each way."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5

import pytest

from dpvs_acceptance.traffic.agent.backend import ControlledServer
from softlab.simulated import quirks
from softlab.simulated.keepalived import checks, conf

DIGEST = md5(b"ok", usedforsecurity=False).hexdigest()
CONF = """
virtual_server 192.0.2.1 80 {{
    real_server 127.0.0.1 {port} {{
        {kind} {{
            connect_timeout {timeout}
            {inside}
        }}
    }}
}}
"""
URL = f"url {{\n path /\n status_code 200\n digest {DIGEST}\n virtualhost www.example.org\n }}"


class Loop:
    """What the agent gives its servers: sockets that are waited for, and their handlers."""

    def __init__(self) -> None:
        self._poller = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run)

    def watch(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._poller.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        self._poller.unregister(fd)
        del self._handlers[fd]

    def _run(self) -> None:
        while not self._ended:
            for fd, _ in self._poller.poll(20):
                if handler := self._handlers.get(fd):
                    handler()

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ended = True
            self._thread.join()


def checker(kind: str, port: int, inside: str = "", timeout: float = 1) -> conf.Checker:
    text = CONF.format(kind=kind, port=port, inside=inside, timeout=timeout)
    (service,) = conf.virtual_servers(conf.parse(text))
    return service.servers[0].checkers[0]


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("serves", "kind", "inside", "how", "good"),
    [
        ("http", "TCP_CHECK", "", {"mode": "answers"}, True),
        ("http", "TCP_CHECK", "", {"mode": "hangs"}, True),
        ("http", "TCP_CHECK", "", {"mode": "closed"}, False),
        ("http", "HTTP_GET", URL, {"mode": "answers"}, True),
        ("http", "HTTP_GET", URL, {"mode": "answers", "host": "www.example.org"}, True),
        ("http", "HTTP_GET", URL, {"mode": "answers", "host": "other.example.org"}, False),
        ("http", "HTTP_GET", URL, {"mode": "answers", "status": 500}, False),
        ("http", "HTTP_GET", URL, {"mode": "answers", "body": "other"}, False),
        ("http", "HTTP_GET", URL, {"mode": "hangs"}, False),
        ("https", "SSL_GET", URL, {"mode": "answers"}, True),
        ("https", "SSL_GET", URL, {"mode": "answers", "status": 500}, False),
        ("https", "SSL_GET", URL, {"mode": "plain"}, False),
        ("udp", "UDP_CHECK", "require_reply", {"mode": "answers"}, True),
        ("udp", "UDP_CHECK", "require_reply", {"mode": "hangs"}, False),
        ("udp", "UDP_CHECK", "require_reply", {"mode": "closed"}, False),
        ("dns", "DNS_CHECK", "name example.org", {"mode": "answers"}, True),
        ("dns", "DNS_CHECK", "name example.org", {"mode": "closed"}, False),
        # As the real one: it learns nothing from silence (docs/findings.md, 26).
        ("dns", "DNS_CHECK", "name example.org", {"mode": "hangs"}, True),
    ],
)
def test_an_attempt_finds_what_the_server_does(
    serves: str, kind: str, inside: str, how: dict[str, object], good: bool
) -> None:
    port = free_port(socket.SOCK_STREAM if serves.startswith("http") else socket.SOCK_DGRAM)
    loop = Loop()
    server = ControlledServer("127.0.0.1", port, serves, loop.watch, loop.unwatch)
    server.behave(how)
    with loop.running():
        seen = checks.attempt(checker(kind, port, inside, 0.5), frozenset())
    server.close()
    assert seen == (good, None)


@pytest.mark.parametrize(
    ("status", "seen"), [(0, (True, None)), (1, (False, None)), (2, (True, 0)), (255, (True, 253))]
)
def test_the_exit_status_of_a_script_is_a_weight(
    status: int, seen: tuple[bool, int | None]
) -> None:
    inside = f"misc_path \"/bin/sh -c 'exit {status}'\"\n misc_dynamic"
    assert checks.attempt(checker("MISC_CHECK", 80, inside), frozenset()) == seen
    unread = frozenset({quirks.KEEPALIVED_STATUS_UNREAD})
    assert checks.attempt(checker("MISC_CHECK", 80, inside), unread) == (True, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("}", "a block ends that did not begin"),
        ("virtual_server 192.0.2.1 80 {", "does not end"),
        ("virtual_server match X {\n}", "has no SNAT"),
        ("virtual_server 192.0.2.1 80 {\n lb_kind DR\n}", "has FNAT only"),
    ],
)
def test_what_it_does_not_understand_is_named(text: str, words: str) -> None:
    with pytest.raises(conf.ConfError, match=words):
        conf.virtual_servers(conf.parse(text))
