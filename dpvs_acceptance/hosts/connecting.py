"""Connects the hosts of a bench, all at once, and closes them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from .connection import CONNECT_TIMEOUT, Host, check_target
from .errors import HostError, HostsError
from .transcript import Recorder


def connect(
    name: str,
    target: str,
    ssh_config: Path | None = None,
    recorder: Recorder | None = None,
    *,
    sudo: bool = False,
    timeout: float = CONNECT_TIMEOUT,
) -> Host:
    """Connect one host. `target`: an argument of ssh, such as `lb01` or `root@192.0.2.1`."""
    host = Host(name, target, ssh_config, recorder, sudo=sudo, connect_timeout=timeout)
    host.wait_connected()
    return host


def connect_all(
    targets: Mapping[str, str],
    ssh_config: Path | None = None,
    transcript: Recorder | None = None,
    *,
    sudo: Collection[str] = (),
    timeout: float = CONNECT_TIMEOUT,
) -> dict[str, Host]:
    """Connect all hosts at once. `targets`: name in the bench to argument of ssh.

    On hosts in `sudo` every command runs with `sudo -n`. If a host cannot be connected, all are
    closed: HostError for one, HostsError for several.
    """
    hosts, errors = connect_reachable(targets, ssh_config, transcript, sudo=sudo, timeout=timeout)
    if errors:
        close_all(hosts)
        raise errors[0] if len(errors) == 1 else HostsError(errors)
    return hosts


def connect_reachable(
    targets: Mapping[str, str],
    ssh_config: Path | None = None,
    transcript: Recorder | None = None,
    *,
    sudo: Collection[str] = (),
    timeout: float = CONNECT_TIMEOUT,
) -> tuple[dict[str, Host], list[HostError]]:
    """As `connect_all`, but keeps connected hosts; also returns the errors of the others.

    HostError only for an invalid target.
    """
    for name, target in targets.items():
        check_target(name, target)
    hosts = {
        name: Host(name, target, ssh_config, transcript, sudo=name in sudo, connect_timeout=timeout)
        for name, target in targets.items()
    }
    errors: list[HostError] = []
    try:
        for host in hosts.values():
            try:
                host.wait_connected()
            except HostError as exc:
                errors.append(exc)
    except BaseException:
        close_all(hosts)
        raise
    missing = {error.host for error in errors}
    close_all({name: host for name, host in hosts.items() if name in missing})
    return {name: host for name, host in hosts.items() if name not in missing}, errors


def close_all(hosts: Mapping[str, Host]) -> None:
    """Close the connections of all hosts, also if closing one fails."""
    threads = [threading.Thread(target=host.close) for host in hosts.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
