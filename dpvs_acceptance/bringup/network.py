"""Changes of a Linux host's network, with undo: addresses, routes, sysctls."""

from __future__ import annotations

import shlex

from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.model.topology import Address, Network


def address(one: Address, prefix: int, interface: str) -> Change:
    """An address on an interface, which is set up too, and down again if it was found down."""
    text = f"{one}/{prefix}"
    device = shlex.quote(interface)
    nodad = " nodad" if one.version == 6 else ""
    present = f"ip -o addr show dev {device} | grep -qF ' {text} '"
    return Change(
        id=f"address.{one}",
        title=f"address {text} on {interface}",
        done=present,
        capture_undo=(
            f"echo {shlex.quote(f'! {present} || ip addr del {text} dev {device} || exit')}; "
            f"ip -o link show dev {device} up | grep -q . || "
            f"echo {shlex.quote(f'ip link set dev {device} down')}"
        ),
        apply=f"ip addr add {text} dev {device}{nodad} && ip link set dev {device} up",
    )


def service_address(one: Address, interface: str) -> Change:
    """A VIP on a real server's lo or tunnel device."""
    text = f"{one}/{one.max_prefixlen}"
    device = shlex.quote(interface)
    nodad = " nodad" if one.version == 6 else ""
    # For a host address on lo, `ip` prints no prefix length.
    present = f"ip -o addr show dev {device} to {text} | grep -q ."
    return Change(
        id=f"vip.{one}",
        title=f"VIP {one} on {interface}",
        done=present,
        undo=f"! {present} || ip addr del {text} dev {device}",
        apply=f"ip addr add {text} dev {device}{nodad}",
    )


def route(network: Network, via: str, interface: str) -> Change:
    """A route of the main table."""
    family = "-6" if network.version == 6 else "-4"
    words = f"{network} via {via} dev {shlex.quote(interface)}"
    present = f"ip {family} route show {network} | grep -qF 'via {via} '"
    return Change(
        id=f"route.{network}",
        title=f"route {network} via {via}",
        done=present,
        # Deleting an address deletes its routes, so the route may be gone already.
        undo=f"! {present} || ip {family} route del {words}",
        apply=f"ip {family} route add {words}",
    )


def route_from(source: Address, to: Address, via: Address, interface: str, table: int) -> Change:
    """A route only for packets from one address: a rule, and a separate routing table."""
    ip = f"ip -{source.version}"
    rule = f"from {source} to {to} lookup {table}"
    way = f"{to} via {via} dev {shlex.quote(interface)} table {table}"
    present = f"{ip} rule show | grep -qF 'from {source} to {to} lookup {table}'"
    routed = f"{ip} route show table {table} 2>/dev/null | grep -qF '{to} via {via} '"
    return Change(
        id=f"route.{source}.{to}",
        title=f"rule and route from {source} to {to} via {via}",
        done=f"{present} && {routed}",
        undo=f"! {present} || {ip} rule del {rule}; ! {routed} || {ip} route del {way}",
        apply=f"{ip} route add {way} && {ip} rule add {rule}",
    )


def sysctl(name: str, value: int) -> Change:
    """A sysctl by its path below /proc/sys, such as net/ipv4/conf/eth1/arp_ignore."""
    path = f"/proc/sys/{name}"
    return Change(
        id=f"sysctl.{name}",
        title=f"{name.replace('/', '.')} = {value}",
        done=f'[ "$(cat {path})" = {value} ]',
        capture_undo=f'echo "[ ! -e {path} ] || echo $(cat {path}) >{path}"',
        apply=f"echo {value} >{path}",
    )
