"""Neighbours, as `dpip neigh` lists, adds and deletes them (DPI-14, DPI-15, IP4-03, IP6-03)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.dpip import parse_neighbours
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.testbed import NO_UNDO, Client, LoadBalancer, Vip, vips
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import for_each, requirement

MAC, OTHER_MAC = "02:00:5e:00:53:01", "02:00:5e:00:53:02"
Listed = tuple[str | None, str, bool]
"""Of an entry: its MAC, its port, whether it is static."""


@requirement("DPI-14", "IP4-03")
@pytest.mark.traffic
@for_each(vip=vips.having(family=4).one)
def test_a_client_that_pinged_is_listed(lb: LoadBalancer, client: Client, vip: Vip) -> None:
    """Steps: an echo from a client on the VIP's own link; `dpip neigh show`, also `dev DEV`.

    Verify: the client is listed with its own MAC, on the VIP's port, by each command.
    """
    client = client.on_link(vip.link)
    client.ping(vip, count=1)
    device, address = vip.link.device, lb.topology.clients[client.name].address
    one_device = parse_neighbours(lb.query(f"dpip neigh show dev {device}").stdout)
    for entries in (lb.read("dpip neigh show").neighbours, one_device):
        seen = {(e.device, e.mac) for e in entries if e.address == address}
        wanted = {(device, client.station.mac)}
        assert seen == wanted, mismatch(f"{address}", expected=wanted, seen=seen)


@requirement("DPI-15")
@requirement("IP4-03", family=4)
@requirement("IP6-03", family=6)
@pytest.mark.parametrize(("family", "address"), [(4, "192.0.2.20"), (6, "2001:db8:ffff::20")])
def test_a_static_neighbour_is_added_changed_and_deleted(
    lb: LoadBalancer, family: int, address: str
) -> None:
    """Steps: `dpip neigh add` with one MAC, then another; `show`; `del`.

    Verify: listed as static with the last MAC, on its port only; then not any more.
    """
    del family

    def listed(state: DutState) -> frozenset[Listed]:
        entries = [entry for entry in state.neighbours if str(entry.address) == address]
        return frozenset((entry.mac, entry.device, entry.static) for entry in entries)

    dev = f"dev {lb.spare_port}"
    for mac in (MAC, OTHER_MAC):
        lb.run(f"dpip neigh add {address} lladdr {mac} {dev}")
        wanted: frozenset[Listed] = frozenset({(mac, lb.spare_port, True)})
        seen = lb.read_until(wanted, listed, "dpip neigh show")
        assert seen == wanted, mismatch(f"neighbour {address}", expected=wanted, seen=seen)
    lb.run(f"dpip neigh del {address} {dev}", undo=NO_UNDO)
    left = lb.read_until(frozenset[Listed](), listed, "dpip neigh show")
    assert not left, f"neighbour {address} was deleted, but is still listed: {left}"


@requirement("DPI-15", "IP4-03", "IP6-03")
def test_invalid_neighbours_are_refused(lb: LoadBalancer) -> None:
    """Steps: add an invalid address, an invalid MAC, on no port; delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    port = f"dev {lb.spare_port}"
    lb.refuses("neigh add, bad address", f"dpip neigh add 192.0.2.300 lladdr {MAC} {port}")
    lb.refuses("neigh add, bad MAC", f"dpip neigh add 192.0.2.21 lladdr 02:00:zz {port}")
    lb.refuses("neigh add, MAC not named", f"dpip neigh add 192.0.2.21 {port}")
    lb.refuses("neigh add, no such device", f"dpip neigh add 192.0.2.21 lladdr {MAC} dev dpdk99")
    lb.refuses("neigh add, device not named", f"dpip neigh add 192.0.2.21 lladdr {MAC}")
    lb.refuses("neigh del, missing", f"dpip neigh del 192.0.2.21 {port}")
    lb.refuses("neigh show, no such device", "dpip neigh show dev dpdk99")
