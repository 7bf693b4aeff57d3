"""Services and real servers, as ipvsadm adds, lists, changes, deletes them (ADM-01, -02, -04)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.ipvsadm import ServiceEntry, parse_services
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement

# The option, VIP and port, two real servers.
KINDS = {
    "tcp": ("-t", "198.51.100.1", 80, "192.0.2.1", "192.0.2.2"),
    "udp": ("-u", "198.51.100.1", 53, "192.0.2.1", "192.0.2.2"),
    "tcp6": ("-t", "[2001:db8:ffff::1]", 80, "[2001:db8:ffff::2]", "[2001:db8:ffff::3]"),
}
FORWARDING = {"-b": "FullNat", "-g": "Route", "-i": "Tunnel", "-m": "Masq"}
WEB, RS = "-t 198.51.100.1:80", "192.0.2.1:80"
MATCH = "-H proto=tcp,src-range=192.0.2.0-192.0.2.254,oif={}"


@requirement("ADM-01")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forward", FORWARDING)
def test_a_service_is_added_changed_and_deleted(lb: LoadBalancer, forward: str, kind: str) -> None:
    """Steps: `ipvsadm -A`, `-a` twice, `-e`, `-E`, `-d`, `-D`; `-ln` after each.

    Verify: after each the service has its scheduler and exactly its real servers, each with port,
    forwarding word and weight; in the end it is not there.
    """
    option, vip, port, *hosts = KINDS[kind]
    which, word = f"{option} {vip}:{port}", FORWARDING[forward]
    # DR and tunnels leave the port as the client wrote it.
    first, second = (f"{host}:{port if forward in ('-g', '-i') else 8080}" for host in hosts)
    lb.run(f"ipvsadm -A {which} -s rr")
    _expect(lb, which, "rr", set())
    lb.run(f"ipvsadm -a {which} -r {first} {forward} -w 7")
    lb.run(f"ipvsadm -a {which} -r {second} {forward}")
    _expect(lb, which, "rr", {(first, word, 7), (second, word, 1)})
    lb.run(f"ipvsadm -e {which} -r {first} {forward} -w 0", undo=NO_UNDO)
    lb.run(f"ipvsadm -E {which} -s wrr", undo=NO_UNDO)
    _expect(lb, which, "wrr", {(first, word, 0), (second, word, 1)})
    lb.run(f"ipvsadm -d {which} -r {first}", undo=NO_UNDO)
    _expect(lb, which, "wrr", {(second, word, 1)})
    lb.run(f"ipvsadm -D {which}", undo=NO_UNDO)
    lb.refuses("service show, missing", f"ipvsadm -ln {which}")


@requirement("ADM-01")
def test_a_real_server_without_a_port_has_the_port_of_its_version(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -a … -r ADDRESS` with no port (#976).

    Verify: it is listed with the service's port up to 1.9.3, with port 0 after that.
    """
    lb.run(f"ipvsadm -A {WEB} -s rr")
    lb.run(f"ipvsadm -a {WEB} -r 192.0.2.1 -b")
    port = 80 if lb.version.server_port_copied else 0
    _expect(lb, WEB, "rr", {(f"192.0.2.1:{port}", "FullNat", 1)})


@requirement("ADM-01")
def test_invalid_services_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, with a bad address, no port, no scheduler; change and
    delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    lb.run(f"ipvsadm -A {WEB} -s rr")
    lb.refuses("service add, existing", f"ipvsadm -A {WEB} -s wrr")
    _expect(lb, WEB, "rr", set())
    lb.refuses("service add, bad address", "ipvsadm -A -t 198.51.100.300:80 -s rr")
    lb.refuses("service add, port not named", "ipvsadm -A -t 198.51.100.2 -s rr")
    lb.refuses("service add, address not named", "ipvsadm -A -s rr")
    lb.refuses("service add, no such scheduler", "ipvsadm -A -t 198.51.100.2:80 -s none")
    lb.refuses("service edit, missing", "ipvsadm -E -t 198.51.100.2:80 -s rr")
    lb.refuses("service edit, no such scheduler", f"ipvsadm -E {WEB} -s none")
    lb.refuses("service del, missing", "ipvsadm -D -t 198.51.100.2:80")
    lb.refuses("service zero, missing", "ipvsadm -Z -t 198.51.100.2:80")
    _expect(lb, WEB, "rr", set())


@requirement("ADM-01")
def test_invalid_real_servers_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, to no service, with a bad address, a bad weight; change and
    delete a missing one.

    Verify: each command fails as in this version, and changes nothing.
    """
    lb.run(f"ipvsadm -A {WEB} -s rr")
    lb.run(f"ipvsadm -a {WEB} -r {RS} -b")
    lb.refuses("RS add, existing", f"ipvsadm -a {WEB} -r {RS} -b -w 9")
    lb.refuses("RS add, no service", f"ipvsadm -a -t 198.51.100.2:80 -r {RS} -b")
    lb.refuses("RS add, bad address", f"ipvsadm -a {WEB} -r 192.0.2.300:80 -b")
    lb.refuses("RS add, bad weight", f"ipvsadm -a {WEB} -r 192.0.2.2:80 -b -w 65536")
    lb.refuses("RS add, RS not named", f"ipvsadm -a {WEB} -b")
    lb.refuses("RS edit, missing", f"ipvsadm -e {WEB} -r 192.0.2.2:80 -b")
    lb.refuses("RS del, missing", f"ipvsadm -d {WEB} -r 192.0.2.2:80")
    _expect(lb, WEB, "rr", {(RS, "FullNat", 1)})


@requirement("ADM-02")
def test_a_match_service_is_added_changed_and_deleted(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -A -H`, `-a … -J`, `-E`, `-e`, `-d`, `-D`; `-ln` after each.

    Verify: MATCH with its ranges and its interface, SNAT with its weight; in the end it is gone.
    """
    which = MATCH.format(lb.spare_port)
    lb.run(f"ipvsadm -A {which} -s rr")
    lb.run(f"ipvsadm -a {which} -r 198.51.100.20:0 -w 100 -J")
    _expect_match(lb, "rr", {("198.51.100.20:0", "SNAT", 100)})
    lb.run(f"ipvsadm -e {which} -r 198.51.100.20:0 -w 50 -J", undo=NO_UNDO)
    lb.run(f"ipvsadm -E {which} -s wrr", undo=NO_UNDO)
    _expect_match(lb, "wrr", {("198.51.100.20:0", "SNAT", 50)})
    lb.run(f"ipvsadm -d {which} -r 198.51.100.20:0", undo=NO_UNDO)
    _expect_match(lb, "wrr", set())
    lb.run(f"ipvsadm -D {which}", undo=NO_UNDO)
    left = [one.id for one in lb.read("ipvsadm -ln").services.services if _is_ours(lb, one)]
    assert not left, f"the MATCH service was deleted, but is still listed: {left}"


@requirement("ADM-02")
def test_invalid_match_services_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, and one of no protocol. Verify: each is refused as it should."""
    which = MATCH.format(lb.spare_port)
    lb.run(f"ipvsadm -A {which} -s rr")
    lb.refuses("service add, existing", f"ipvsadm -A {which} -s rr")
    bad = which.replace("proto=tcp", "proto=none")
    lb.refuses("match add, bad protocol", f"ipvsadm -A {bad} -s rr")


@requirement("ADM-04")
def test_a_change_of_one_service_leaves_others_alone(lb: LoadBalancer) -> None:
    """Steps: two services that differ only in their port; list, change and delete the first.

    Verify: only the first is listed, changed and deleted; the second stays as it was.
    """
    other = "-t 198.51.100.1:81"
    for which in (WEB, other):
        lb.run(f"ipvsadm -A {which} -s rr")
        lb.run(f"ipvsadm -a {which} -r {RS} -b -w 3")
    assert len(_services(lb, WEB)) == 1, f"`ipvsadm -ln {WEB}`: {_services(lb, WEB)}"
    before = lb.read("ipvsadm -ln").services.services
    lb.run(f"ipvsadm -E {WEB} -s wlc", undo=NO_UNDO)
    lb.run(f"ipvsadm -e {WEB} -r {RS} -b -w 5", undo=NO_UNDO)
    _expect(lb, WEB, "wlc", {(RS, "FullNat", 5)})
    lb.run(f"ipvsadm -D {WEB}", undo=NO_UNDO)
    gone = {one.id for one in before} - {one.id for one in lb.read("ipvsadm -ln").services.services}
    assert [str(one) for one in gone] == ["TCP  198.51.100.1:80"], f"deleted: {gone or 'nothing'}"
    _expect(lb, other, "rr", {(RS, "FullNat", 3)})


def _services(lb: LoadBalancer, which: str) -> tuple[ServiceEntry, ...]:
    answer = lb.query(f"ipvsadm -ln {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    return parse_services(answer.stdout, answer.command).services


def _expect(
    lb: LoadBalancer, which: str, scheduler: str, servers: set[tuple[str, str, int]]
) -> None:
    (service,) = _services(lb, which)
    seen = {(str(one.endpoint), one.forward, one.weight) for one in service.servers}
    assert (service.scheduler, seen) == (scheduler, servers), mismatch(
        f"service {which}", expected=(scheduler, servers), seen=(service.scheduler, seen)
    )


def _is_ours(lb: LoadBalancer, service: ServiceEntry) -> bool:
    match = service.id.match
    ours = match is not None and str(match.source).startswith("192.0.2.")
    return match is not None and ours and match.oif == lb.spare_port


def _expect_match(lb: LoadBalancer, scheduler: str, servers: set[tuple[str, str, int]]) -> None:
    found = [one for one in lb.read("ipvsadm -ln").services.services if _is_ours(lb, one)]
    assert len(found) == 1, f"one MATCH service was added, `ipvsadm -ln` has {found}"
    shown = f"MATCH tcp,from=192.0.2.0-192.0.2.254:0-0,oif={lb.spare_port}"
    assert str(found[0].id) == shown, mismatch("MATCH", expected=shown, seen=found[0].id)
    seen = {(str(one.endpoint), one.forward, one.weight) for one in found[0].servers}
    assert (found[0].scheduler, seen) == (scheduler, servers), mismatch(
        "the MATCH service", expected=(scheduler, servers), seen=(found[0].scheduler, seen)
    )
