"""Neighbours, as `dpip neigh` lists, adds and deletes them (DPI-14, DPI-15, IP4-03, IP6-03)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import parse_neighbours
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.traffic.icmp import ping
from dpvs_acceptance.traffic.scene import Scene
from dpvs_acceptance.verdict.causes import NotTested
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look

MAC, OTHER_MAC = "02:00:5e:00:53:01", "02:00:5e:00:53:02"
Listed = tuple[str | None, str, bool]
"""Of an entry: its MAC, its port, whether it is static."""


@pytest.mark.requirement("DPI-14", "IP4-03")
@pytest.mark.traffic
def test_a_neighbour_that_pinged_is_listed(
    operator: Operator, look: Look, scene: Scene, deployment: Deployment, one_vip4: str
) -> None:
    """Steps: an echo from a client on the VIP's own link; `dpip neigh show`, also `dev DEV`.

    Verify: the client is listed with its own MAC, on the VIP's port, by each way of asking.
    """
    topology = deployment.topology
    link = next(name for name, vips in topology.vips.items() if one_vip4 in map(str, vips))
    on_link = [name for name in topology.vip_clients if topology.clients[name].link == link]
    if not on_link:
        raise NotTested(f"no client of the bench is on the VIP's own link {link}")
    station, client = scene.stations[on_link[0]], topology.clients[on_link[0]]
    ping(station, one_vip4, mac=scene.next_hop(on_link[0], one_vip4), count=1)
    device = deployment.device(link)
    one_device = parse_neighbours(operator.ask(f"dpip neigh show dev {device}").stdout)
    for entries in (look("dpip neigh show").neighbours, one_device):
        seen = {(e.device, e.mac) for e in entries if e.address == client.address}
        wanted = {(device, station.mac)}
        assert seen == wanted, mismatch(f"{client.address}", expected=wanted, seen=seen)


@pytest.mark.requirement("DPI-15", "IP4-03")
def test_a_static_neighbour_is_added_changed_and_deleted(operator: Operator, look: Look) -> None:
    """Steps: `dpip neigh add` with one MAC, then another; `show`; `del`.

    Verify: listed as static with the last MAC, on its port alone; then gone.
    """
    _added_changed_deleted(operator, look, "192.0.2.20")


@pytest.mark.requirement("DPI-15", "IP6-03")
def test_a_static_ipv6_neighbour_is_added_changed_and_deleted(
    operator: Operator, look: Look
) -> None:
    """Steps: as for IPv4. Verify: the same."""
    _added_changed_deleted(operator, look, "2001:db8:ffff::20")


@pytest.mark.requirement("DPI-15", "IP4-03", "IP6-03")
def test_neighbours_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add what is no address, no MAC, on what is no port; delete what is not there.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    port = f"dev {operator.port}"
    operator.refuses("neigh add, bad address", f"dpip neigh add 192.0.2.300 lladdr {MAC} {port}")
    operator.refuses("neigh add, bad MAC", f"dpip neigh add 192.0.2.21 lladdr 02:00:zz {port}")
    operator.refuses("neigh add, MAC not named", f"dpip neigh add 192.0.2.21 {port}")
    operator.refuses(
        "neigh add, no such device", f"dpip neigh add 192.0.2.21 lladdr {MAC} dev dpdk99"
    )
    operator.refuses("neigh add, device not named", f"dpip neigh add 192.0.2.21 lladdr {MAC}")
    operator.refuses("neigh del, missing", f"dpip neigh del 192.0.2.21 {port}")
    operator.refuses("neigh show, no such device", "dpip neigh show dev dpdk99")


def _added_changed_deleted(operator: Operator, look: Look, address: str) -> None:
    def listed(state: DutState) -> frozenset[Listed]:
        entries = [entry for entry in state.neighbours if str(entry.address) == address]
        return frozenset((entry.mac, entry.device, entry.static) for entry in entries)

    dev = f"dev {operator.port}"
    for mac in (MAC, OTHER_MAC):
        operator.does(f"dpip neigh add {address} lladdr {mac} {dev}")
        wanted: frozenset[Listed] = frozenset({(mac, operator.port, True)})
        seen = look.until(wanted, listed, "dpip neigh show")
        assert seen == wanted, mismatch(f"neighbour {address}", expected=wanted, seen=seen)
    operator.does(f"dpip neigh del {address} {dev}", undo=OWN)
    left = look.until(frozenset[Listed](), listed, "dpip neigh show")
    assert not left, f"neighbour {address} was deleted, and is still there: {left}"
