"""Options of a service that few use: what they do, how they are listed, whether they are saved."""

from __future__ import annotations

import time

import pytest

from dpvs_acceptance.dpvs.ipvsadm import ServiceEntry, parse_laddrs, parse_services
from dpvs_acceptance.testbed import NO_UNDO, Client, LoadBalancer, Service, services
from dpvs_acceptance.traffic import frames
from dpvs_acceptance.traffic.match import ICMP, ICMPV6, Match
from dpvs_acceptance.traffic.views import IcmpView, UdpView
from dpvs_acceptance.verdict.causes import Inconclusive, NotSupported
from fixtures.checks import for_each, requirement

FULLNAT = services.having(mode="fullnat", protocol="tcp", synproxy=False)

pytestmark = pytest.mark.traffic
for_services = for_each(service=FULLNAT.one_per("family", "server_family"))

# DPVS's timers turn a wheel of 2^19 ms; 526 s are 2 s more than one turn.
BEYOND_THE_WHEEL, AFTER_A_WRAP = 526, 4.0  # seconds
NARROW, LARGE = 1300, 1400  # octets; IPv6 requires 1280 of a link
UNUSED = "-t 198.51.100.9:1"
ICMPV6_SERVICE = "-1 [2001:db8:ffff::1]:1"


@requirement("EDG-33")
@for_services
def test_what_is_saved_makes_the_same_service(lb: LoadBalancer, service: Service) -> None:
    """Steps: a service with wrr and weights 1 and 3; `ipvsadm -S -n`; delete it, and run the lines.

    Verify: each line is a command of ipvsadm; scheduler, real servers, forwarding mode and weights
    are listed as before.
    """
    added = lb.add_service(service, scheduler="wrr", weights=(1, 3)[: len(service.server_names)])
    before = _entry(lb, added.which)
    lines = [one for one in lb.query("ipvsadm -S -n").stdout.splitlines() if added.which in one]
    lb.run(f"ipvsadm -D {added.which}", undo=NO_UNDO)
    for line in lines:
        lb.run(f"ipvsadm {line}", undo=NO_UNDO)
    after = _entry(lb, added.which)
    assert after == before, f"restored from `ipvsadm -S`: {after}, expected {before}"


@requirement("EDG-34")
@for_services
def test_options_are_saved_with_the_service(lb: LoadBalancer, service: Service) -> None:
    """Steps: a service with --conn-timeout 60; `ipvsadm -S -n`.

    Verify: the line of the service has the option.
    """
    added = lb.add_service(service, options="--conn-timeout 60", connection_timeout=60)
    wanted = f"-A {added.which} "
    said = lb.query("ipvsadm -S -n").stdout.splitlines()
    lines = [one for one in said if one.startswith(wanted)]
    if len(lines) != 1:
        raise Inconclusive(f"`ipvsadm -S -n`: one line `{wanted}…` expected, seen {lines}")
    assert "--conn-timeout 60" in lines[0], (
        f"`ipvsadm -S -n` omits an option: `{lines[0]}`, --conn-timeout 60 expected"
    )


@requirement("EDG-35")
@for_services
def test_a_local_address_counts_its_connections(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: two open connections to a service with one LIP; `ipvsadm -G`.

    Verify: two connections, and no conflicts, since the LIP has ports enough.
    """
    added = lb.add_service(service)
    command = f"ipvsadm -G {added.which}"
    with spoofing.connection(added) as one, spoofing.connection(added) as other:
        one.connect()
        other.connect()
        entries = parse_laddrs(lb.query(command).stdout, command)
        one.reset()
        other.reset()
    lips = [lip for entry in entries for lip in entry.addresses]
    conflicts, connections = sum(o.conflicts for o in lips), sum(o.connections for o in lips)
    assert (conflicts, connections) == (0, 2), (
        f"`{command}` counts {conflicts} conflicts and {connections} connections, 0 and 2 expected"
    )


@requirement("EDG-36")
@for_services
def test_a_long_timeout_does_not_wrap(lb: LoadBalancer, spoofing: Client, service: Service) -> None:
    """Steps: an idle connection to a service with --conn-timeout 526, for 4 s.

    Verify: it is listed with about 526 s, and still listed after 4 s.
    """
    added = lb.add_service(
        service, options=f"--conn-timeout {BEYOND_THE_WHEEL}", connection_timeout=BEYOND_THE_WHEEL
    )
    with spoofing.connection(added) as idle:
        idle.connect()
        until, last = time.monotonic() + AFTER_A_WRAP, None
        while True:
            mine = [
                c for c in lb.read("ipvsadm -lnc").connections if str(c.client) == str(idle.source)
            ]
            if not mine or time.monotonic() > until:
                break
            last = mine[0]
        idle.reset()
    assert last is not None, f"the connection of {idle.source} is not in `ipvsadm -lnc`"
    assert last.timeout > BEYOND_THE_WHEEL - 2 * AFTER_A_WRAP, (
        f"the connection is listed with {last.timeout} s, {BEYOND_THE_WHEEL} s expected"
    )
    assert mine, (
        f"an idle connection was removed within {AFTER_A_WRAP} s, it is kept {last.timeout} s"
    )


@requirement("EDG-37")
@pytest.mark.parametrize(
    ("which", "words", "shown"),
    [
        ("-t 198.51.100.1:80", "-s rr --proxy-protocol v1", {"proxy_protocol": "v1"}),
        ("-t 198.51.100.1:80", "-s rr --dest-check default", {"dest_check": "default"}),
        ("-u 198.51.100.1:80", "-s conhash --quic --hash-target qid", {"hash_target": "qid"}),
        (ICMPV6_SERVICE, "-s rr", {}),
    ],
    ids=["proxy v1", "dest-check", "conhash target", "ICMPv6"],
)
def test_a_rare_option_is_listed_and_changed(
    lb: LoadBalancer, which: str, words: str, shown: dict[str, str]
) -> None:
    """Steps: add a service without the option, change it to have the option and back; an ICMPv6
    service, which is only added.

    Verify: `ipvsadm -ln` shows protocol and option as set, and the option no longer after that.
    """
    plain = " ".join(words.split()[:2])
    _add(lb, which, plain)
    first = _entry(lb, which)
    protocol = {"-t": "TCP", "-u": "UDP", "-1": "ICMPv6"}[which.split()[0]]
    assert first.id.protocol == protocol, f"`{which}` is listed as {first.id.protocol}"
    if not shown:
        return
    lb.run(f"ipvsadm -E {which} {words}", undo=NO_UNDO)
    changed = _entry(lb, which)
    seen = {name: _text(changed, name) for name in shown}
    assert seen == shown, f"after `ipvsadm -E {which} {words}`: {seen} listed, {shown} expected"
    back = {"proxy_protocol": "--proxy-protocol disable", "dest_check": "--dest-check disable"}
    (name,) = shown
    lb.run(f"ipvsadm -E {which} {plain} {back.get(name, '--hash-target sip')}", undo=NO_UNDO)
    left = _text(_entry(lb, which), name)
    assert left == _text(first, name), f"{name} was taken back, and `ipvsadm -ln` shows {left!r}"


@requirement("EDG-38")
@for_services
def test_a_packet_that_does_not_fit_the_way_to_its_real_server(
    lb: LoadBalancer, spoofing: Client, service: Service
) -> None:
    """Steps: routes of MTU 1300 to the real servers; datagrams of 100 and of 1400 octets, DF set.

    Verify: the first arrives; the second does not, and the client gets "fragmentation needed"
    (IPv6: "packet too big") with 1300.
    """
    added = lb.add_service(service, protocol="udp")
    device = lb.deployment.lip_device(added.declared.local_addresses[0])
    for address in {end.address for end in added.ends}:
        way = f"-6 route add {address}/128" if ":" in address else f"route add {address}/32"
        lb.run(f"dpip {way} dev {device} mtu {NARROW}")
    version, station = added.vip.version, spoofing.station
    port = added.ends[0].port
    source, mac = spoofing.spoofed_end(version), spoofing.next_hop(added.vip.address)
    ends = frames.Ends(station.mac, mac, source.address, added.vip.address)
    errors = Match(outgoing=False, dst=source.address, protocol=ICMPV6 if version == 6 else ICMP)
    with station.proxy_arp(source.address), spoofing.watch() as watch:
        for size in (100, LARGE):
            own = spoofing.source().port
            station.send([frames.udp(ends, own, added.vip.port, bytes(size))])
        watch.captures[spoofing.name].wait_for(errors, 2, 1.0)
    arrived = [
        len(view.payload)
        for views in watch.server_views.values()
        for view in views
        if isinstance(view, UdpView) and not view.frame.outgoing and view.dport == port
    ]
    if 100 not in arrived:
        raise Inconclusive("the datagram of 100 octets did not arrive (positive control)")
    assert arrived == [100], f"a datagram of {LARGE} octets crossed a way of MTU {NARROW}"
    seen = [v for v in watch.captures[spoofing.name].views(errors) if isinstance(v, IcmpView)]
    received = [(v.icmp_type, int.from_bytes(v.rest, "big")) for v in seen if v.rest != bytes(4)]
    wanted = [(2 if version == 6 else 3, NARROW)]
    assert received == wanted, (
        f"ICMP (type, MTU) for a datagram of {LARGE} octets on a way of MTU {NARROW}: "
        f"{wanted} expected, {received or 'none'} seen"
    )


def _add(lb: LoadBalancer, which: str, plain: str) -> None:
    """NotSupported where the device has no such scheduler."""
    answer = lb.attempt(f"ipvsadm -A {which} {plain}")
    unknown = lb.attempt(f"ipvsadm -A {UNUSED} -s none")
    if answer.exit_status and answer.exit_status == unknown.exit_status:
        raise NotSupported(f"`{answer.command}`: {answer.shown}, as for an unknown scheduler")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"


def _entry(lb: LoadBalancer, which: str) -> ServiceEntry:
    answer = lb.query(f"ipvsadm -ln {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    (found,) = parse_services(answer.stdout, answer.command).services
    return found


def _text(entry: ServiceEntry, name: str) -> str | None:
    """An option as it is listed."""
    if name == "dest_check":
        return entry.dest_check.internal if entry.dest_check else None
    return str(value) if (value := getattr(entry, name)) is not None else None
