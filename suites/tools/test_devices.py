"""VLAN and tunnel devices, as dpip adds, lists and deletes them (DPI-16, DPI-17)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import Tunnel, VlanDevice, parse_tunnels, parse_vlans
from dpvs_acceptance.verdict.causes import NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look

ID = 3998


@pytest.mark.requirement("DPI-16")
def test_a_vlan_is_added_listed_and_deleted(operator: Operator, look: Look) -> None:
    """Steps: `dpip vlan add`, `show` by its name, its port, its id; `link show`; `del`.

    Verify: one device with the port's MAC, listed alike each way; gone when deleted.
    """
    port = operator.port
    name = f"{port}.{ID}"
    _add_vlan(operator, name)
    wanted = [VlanDevice(name, port, "802.1q", ID)]
    for which in (name, f"link {port} id {ID}", f"link {port}"):
        seen = [vlan for vlan in _vlans(operator, which) if vlan.vlan_id == ID]
        assert seen == wanted, mismatch(f"`dpip vlan show {which}`", expected=wanted, seen=seen)
    links = look("dpip link show").links
    assert name in links, f"`dpip link show` lists {[*links]}, and not {name}"
    assert links[name].mac == links[port].mac, f"{name} has not the MAC of {port}"
    operator.does(f"dpip vlan del {name}", undo=OWN)
    assert name not in look("dpip link show").links, f"{name} was deleted, and is still listed"
    assert not [v for v in _vlans(operator, f"link {port}") if v.vlan_id == ID], "still a VLAN"


@pytest.mark.requirement("DPI-16")
def test_a_vlan_is_deleted_by_its_port_and_id(operator: Operator, look: Look) -> None:
    """Steps: `dpip vlan add`, `dpip vlan del link PORT id N`. Verify: it is gone."""
    name = f"{operator.port}.{ID}"
    _add_vlan(operator, name)
    operator.does(f"dpip vlan del link {operator.port} id {ID}", undo=OWN)
    assert name not in look("dpip link show").links, f"{name} was deleted, and is still listed"


@pytest.mark.requirement("DPI-16")
def test_vlans_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, with no id, a bad one, on what is no port; delete what is not.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    port, name = operator.port, f"{operator.port}.{ID}"
    _add_vlan(operator, name)
    operator.refuses("vlan add, existing", f"dpip vlan add {name} link {port} id {ID}")
    operator.refuses("vlan add, bad id", f"dpip vlan add {port}.x link {port} id 5000")
    operator.refuses("vlan add, id not named", f"dpip vlan add {port}.x link {port}")
    operator.refuses("vlan add, no such device", f"dpip vlan add dpdk99.x link dpdk99 id {ID}")
    operator.refuses("vlan del, missing", f"dpip vlan del {port}.3997")
    operator.refuses("vlan show, missing", f"dpip vlan show {port}.3997")


@pytest.mark.requirement("DPI-17")
@pytest.mark.parametrize("kind", ["ipip", "gre"])
def test_a_tunnel_is_added_changed_and_deleted(operator: Operator, look: Look, kind: str) -> None:
    """Steps: `dpip tunnel add`, `show`, `change`, `del`; `dpip link show`.

    Verify: listed with what it was added with, then with what it was changed to; then gone.
    """
    name, local = f"acc{kind}0", "local 192.0.2.1"
    operator.does(
        f"dpip tunnel add {name} mode {kind} {local} remote 192.0.2.2 dev {operator.port} ttl 17"
    )
    seen = _tunnels(operator, name)
    wanted = [("192.0.2.1", "192.0.2.2", kind, operator.port, 17)]
    assert _facts(seen) == wanted, mismatch(f"tunnel {name}", expected=wanted, seen=_facts(seen))
    assert name in look("dpip link show").links, f"`dpip link show` does not list {name}"
    operator.does(f"dpip tunnel change {name} mode {kind} {local} remote 192.0.2.9", undo=OWN)
    remote = [str(tunnel.remote) for tunnel in _tunnels(operator, name)]
    assert remote == ["192.0.2.9"], f"changed to remote 192.0.2.9, listed with {remote}"
    operator.does(f"dpip tunnel del {name}", undo=OWN)
    assert name not in look("dpip link show").links, f"{name} was deleted, and is still listed"
    assert not [t for t in _tunnels(operator) if t.name == name], f"{name} is still a tunnel"


@pytest.mark.requirement("DPI-17")
def test_tunnels_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, of no mode, a bad one, with a bad address; delete what is not.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    ends = "local 192.0.2.1 remote 192.0.2.2"
    operator.does(f"dpip tunnel add acctun0 mode ipip {ends}")
    operator.refuses("tunnel add, existing", f"dpip tunnel add acctun0 mode ipip {ends}")
    operator.refuses("tunnel add, bad mode", f"dpip tunnel add acctun1 mode nothing {ends}")
    operator.refuses("tunnel add, mode not named", f"dpip tunnel add acctun1 {ends}")
    operator.refuses(
        "tunnel add, bad address",
        "dpip tunnel add acctun1 mode ipip local 192.0.2.300 remote 192.0.2.2",
    )
    operator.refuses("tunnel del, missing", "dpip tunnel del acctun1")
    operator.refuses("tunnel show, missing", "dpip tunnel show acctun1")


def _add_vlan(operator: Operator, name: str) -> None:
    answer = operator.do(f"dpip vlan add {name} link {operator.port} id {ID}")
    if "failed dpdk api" in answer.words:
        raise NotSupported(
            f"the port's driver takes no further MAC: `{answer.command}`: {answer.shown}"
        )
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    assert not answer.words, f"`{answer.command}`: {answer.shown}"


def _vlans(operator: Operator, which: str) -> tuple[VlanDevice, ...]:
    answer = operator.ask(f"dpip vlan show {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    # This table alone is printed on stderr.
    return parse_vlans(answer.words, answer.command)


def _tunnels(operator: Operator, name: str = "") -> tuple[Tunnel, ...]:
    answer = operator.ask(f"dpip tunnel show {name}".strip())
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    return parse_tunnels(answer.stdout, answer.command)


def _facts(tunnels: tuple[Tunnel, ...]) -> list[tuple[str, str, str, str | None, int]]:
    return [(str(t.local), str(t.remote), t.kind, t.device, t.ttl) for t in tunnels]
