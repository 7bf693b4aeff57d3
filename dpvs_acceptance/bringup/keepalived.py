"""Steps that have DPVS's keepalived configure the services, instead of the suite."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from dpvs_acceptance.bringup.keepalived_conf import render_keepalived
from dpvs_acceptance.bringup.shell import restore_file, same_content, sh, write_file
from dpvs_acceptance.dpvs.ipvsadm import commands
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.model.service import DeclaredService

CONF = "/etc/dpvs-acceptance.keepalived.conf"
"""Of its own: a keepalived.conf that is there already stays as it is."""
LOG = "/var/log/keepalived.start.log"
PID_FILE = "/run/dpvs-acceptance.keepalived.pid"
CHECKERS_PID_FILE = "/run/dpvs-acceptance.keepalived-checkers.pid"
_TRIES = 100  # of 0.1 s: what a loop waits for keepalived


def keepalived(deployment: Deployment) -> list[Change]:
    """keepalived.conf, and keepalived started with it: the services are there when it is ready."""
    text = render_keepalived(deployment, deployment.services)
    return [
        *_legs(deployment),
        Change(
            id="keepalived.conf",
            title=f"write {CONF}",
            done=same_content(CONF, text),
            capture_undo=restore_file(CONF),
            apply=write_file(CONF, text),
        ),
        Change(
            id="keepalived.start",
            title="start keepalived and wait until its services are there",
            done=None,
            undo=stop(),
            apply=start(deployment),
            verify=f"{listed(deployment, deployment.services)} || {{ tail -n 3 {LOG}; false; }}",
            timeout=60.0,
        ),
    ]


def _legs(deployment: Deployment) -> list[Change]:
    """Addresses of the kernel's own interfaces, by which checks go where there is no kni."""
    changes = []
    for name, link in deployment.topology.links.items():
        if not (leg := deployment.leg(name)) or link.kni is None:
            continue
        changes.append(
            Change(
                id=f"leg.{name}",
                title=f"{leg} up, by which keepalived checks real servers on {name}",
                done=f"ip link show dev {leg} | grep -q '[<,]UP[,>]'",
                undo=f"ip link set {leg} down",
                apply=f"ip link set {leg} up",
            )
        )
        for address, network in zip(link.kni.both, link.networks, strict=False):
            words = f"{address}/{network.prefixlen} dev {leg}"
            there = f"ip addr show dev {leg} | grep -qF ' {address}/'"
            changes.append(
                Change(
                    id=f"leg.{address}",
                    title=f"{address} on {leg}",
                    done=there,
                    undo=f"! {there} || ip addr del {words}",
                    apply=f"ip addr add {words}{' nodad' if address.version == 6 else ''}",
                )
            )
    return changes


def start(deployment: Deployment) -> str:
    """sh text that starts keepalived: checks only (-C), in the foreground of its own session."""
    program = sh(f"{deployment.bench.dut.dpvs.home}/bin/keepalived")
    return (
        "! pgrep -x keepalived || { echo 'another keepalived runs here: stop it first'; exit 1; }; "
        f"cd /; setsid {program} {_command_options()} >{LOG} 2>&1 </dev/null &"
    )


def stop() -> str:
    """sh text that ends keepalived in good order, so that it takes out what it added."""
    # By name, then by its configuration: a shell that has this text in its arguments is not meant.
    mine = (
        "for p in $(pgrep -x keepalived); do "
        f"! tr '\\0' ' ' </proc/$p/cmdline 2>/dev/null | grep -qF -- '-f {CONF}' || echo $p; done"
    )
    return (
        f"pids=$(cat {PID_FILE} 2>/dev/null || {{ {mine}; }}); n=0; "
        '[ -z "$pids" ] || kill $pids 2>/dev/null; '
        f'while [ -n "$({mine})" ] && [ $n -lt {_TRIES} ]; do '
        "n=$((n+1)); sleep 0.1; done; "
        f'pids=$({mine}); [ -z "$pids" ] || kill -9 $pids; '
        f"rm -f {PID_FILE} {CHECKERS_PID_FILE}"
    )


def _command_options() -> str:
    return f"-n -l -D -C -f {CONF} -p {PID_FILE} -c {CHECKERS_PID_FILE}"


def reload(deployment: Deployment, text: str, here: Iterable[DeclaredService]) -> str:
    """sh text that gives keepalived this configuration, and waits until it has these services."""
    return (
        f"{write_file(CONF, text)}\nkill -HUP $(cat {PID_FILE}) || exit\nn=0\n"
        f"until {listed(deployment, here)}; do n=$((n+1)); [ $n -lt {_TRIES} ] || "
        "{ echo 'keepalived did not take over the configuration'; exit 1; }; sleep 0.1; done"
    )


def listed(deployment: Deployment, services: Iterable[DeclaredService]) -> str:
    """sh text that succeeds if ipvsadm lists exactly these services."""
    wanted = shlex.quote("\n".join(_names(services)))
    return f'[ "$({_listing(deployment)})" = {wanted} ]'


def among(deployment: Deployment, services: Iterable[DeclaredService]) -> str:
    """sh text that succeeds if ipvsadm lists at least these services."""
    names = _names(services)
    patterns = " ".join(f"-e {shlex.quote(name)}" for name in names)
    return f'[ "$({_listing(deployment)} | grep -cxF {patterns})" = {len(names)} ]'


def _names(services: Iterable[DeclaredService]) -> list[str]:
    return sorted(f"{s.protocol.upper()} {commands.end(s.vip, s.port)}" for s in services)


def _listing(deployment: Deployment) -> str:
    """`PROTOCOL VIP:PORT` of each service, sorted."""
    tool = sh(f"{deployment.bench.dut.dpvs.home}/bin/ipvsadm", "-ln")
    words = shlex.quote("s/^(TCP|UDP) +([^ ]+) .*/\\1 \\2/p")
    return f"{tool} 2>/dev/null | sed -nE {words} | LC_ALL=C sort"
