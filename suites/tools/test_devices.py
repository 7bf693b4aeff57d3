"""VLAN and tunnel devices, as dpip adds, lists and deletes them (DPI-16, DPI-17)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import Tunnel, VlanDevice, parse_tunnels, parse_vlans
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.causes import NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement

ID = 3998


@requirement("DPI-16")
def test_a_vlan_is_added_listed_and_deleted(lb: LoadBalancer) -> None:
    """Steps: `dpip vlan add`, `show` by its name, its port, its id; `link show`; `del`.

    Verify: one device with the port's MAC, listed alike each way; gone when deleted.
    """
    port = lb.spare_port
    name = f"{port}.{ID}"
    _add_vlan(lb, name)
    wanted = [VlanDevice(name, port, "802.1q", ID)]
    for which in (name, f"link {port} id {ID}", f"link {port}"):
        seen = [vlan for vlan in _vlans(lb, which) if vlan.vlan_id == ID]
        assert seen == wanted, mismatch(f"`dpip vlan show {which}`", expected=wanted, seen=seen)
    links = lb.read("dpip link show").links
    assert name in links, f"`dpip link show` lists {[*links]}, but not {name}"
    assert links[name].mac == links[port].mac, f"{name} does not have the MAC of {port}"
    lb.run(f"dpip vlan del {name}", undo=NO_UNDO)
    assert name not in lb.read("dpip link show").links, f"{name} was deleted, but is still listed"
    assert not [v for v in _vlans(lb, f"link {port}") if v.vlan_id == ID], "still a VLAN"


@requirement("DPI-16")
def test_a_vlan_is_deleted_by_its_port_and_id(lb: LoadBalancer) -> None:
    """Steps: `dpip vlan add`, `dpip vlan del link PORT id N`. Verify: it is gone."""
    name = f"{lb.spare_port}.{ID}"
    _add_vlan(lb, name)
    lb.run(f"dpip vlan del link {lb.spare_port} id {ID}", undo=NO_UNDO)
    assert name not in lb.read("dpip link show").links, f"{name} was deleted, but is still listed"


@requirement("DPI-16")
def test_invalid_vlans_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, with no id, a bad one, on no port; delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    port, name = lb.spare_port, f"{lb.spare_port}.{ID}"
    _add_vlan(lb, name)
    lb.refuses("vlan add, existing", f"dpip vlan add {name} link {port} id {ID}")
    lb.refuses("vlan add, bad id", f"dpip vlan add {port}.x link {port} id 5000")
    lb.refuses("vlan add, id not named", f"dpip vlan add {port}.x link {port}")
    lb.refuses("vlan add, no such device", f"dpip vlan add dpdk99.x link dpdk99 id {ID}")
    lb.refuses("vlan del, missing", f"dpip vlan del {port}.3997")
    lb.refuses("vlan show, missing", f"dpip vlan show {port}.3997")


@requirement("DPI-17")
@pytest.mark.parametrize("kind", ["ipip", "gre"])
def test_a_tunnel_is_added_changed_and_deleted(lb: LoadBalancer, kind: str) -> None:
    """Steps: `dpip tunnel add`, `show`, `change`, `del`; `dpip link show`.

    Verify: listed with what it was added with, then with what it was changed to; then gone.
    """
    name, local = f"acc{kind}0", "local 192.0.2.1"
    lb.run(
        f"dpip tunnel add {name} mode {kind} {local} remote 192.0.2.2 dev {lb.spare_port} ttl 17"
    )
    seen = _tunnels(lb, name)
    wanted = [("192.0.2.1", "192.0.2.2", kind, lb.spare_port, 17)]
    assert _facts(seen) == wanted, mismatch(f"tunnel {name}", expected=wanted, seen=_facts(seen))
    assert name in lb.read("dpip link show").links, f"`dpip link show` does not list {name}"
    lb.run(f"dpip tunnel change {name} mode {kind} {local} remote 192.0.2.9", undo=NO_UNDO)
    remote = [str(tunnel.remote) for tunnel in _tunnels(lb, name)]
    assert remote == ["192.0.2.9"], f"changed to remote 192.0.2.9, listed with {remote}"
    lb.run(f"dpip tunnel del {name}", undo=NO_UNDO)
    assert name not in lb.read("dpip link show").links, f"{name} was deleted, but is still listed"
    assert not [t for t in _tunnels(lb) if t.name == name], f"{name} is still a tunnel"


@requirement("DPI-17")
def test_invalid_tunnels_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, of no mode, a bad one, with a bad address; delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    ends = "local 192.0.2.1 remote 192.0.2.2"
    lb.run(f"dpip tunnel add acctun0 mode ipip {ends}")
    lb.refuses("tunnel add, existing", f"dpip tunnel add acctun0 mode ipip {ends}")
    lb.refuses("tunnel add, bad mode", f"dpip tunnel add acctun1 mode nothing {ends}")
    lb.refuses("tunnel add, mode not named", f"dpip tunnel add acctun1 {ends}")
    lb.refuses(
        "tunnel add, bad address",
        "dpip tunnel add acctun1 mode ipip local 192.0.2.300 remote 192.0.2.2",
    )
    lb.refuses("tunnel del, missing", "dpip tunnel del acctun1")
    lb.refuses("tunnel show, missing", "dpip tunnel show acctun1")


def _add_vlan(lb: LoadBalancer, name: str) -> None:
    answer = lb.attempt(f"dpip vlan add {name} link {lb.spare_port} id {ID}")
    if "failed dpdk api" in answer.words:
        raise NotSupported(
            f"the port's driver takes no further MAC: `{answer.command}`: {answer.shown}"
        )
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    assert not answer.words, f"`{answer.command}`: {answer.shown}"


def _vlans(lb: LoadBalancer, which: str) -> tuple[VlanDevice, ...]:
    answer = lb.query(f"dpip vlan show {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    # This table alone is printed on stderr.
    return parse_vlans(answer.words, answer.command)


def _tunnels(lb: LoadBalancer, name: str = "") -> tuple[Tunnel, ...]:
    answer = lb.query(f"dpip tunnel show {name}".strip())
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    return parse_tunnels(answer.stdout, answer.command)


def _facts(tunnels: tuple[Tunnel, ...]) -> list[tuple[str, str, str, str | None, int]]:
    return [(str(t.local), str(t.remote), t.kind, t.device, t.ttl) for t in tunnels]
