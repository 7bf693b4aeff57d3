"""Services and real servers, as ipvsadm adds, lists, changes, deletes them (ADM-01, -02, -04)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.ipvsadm import ServiceEntry, parse_services
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look

# The option, VIP and port, two real servers.
KINDS = {
    "tcp": ("-t", "198.51.100.1", 80, "192.0.2.1", "192.0.2.2"),
    "udp": ("-u", "198.51.100.1", 53, "192.0.2.1", "192.0.2.2"),
    "tcp6": ("-t", "[2001:db8:ffff::1]", 80, "[2001:db8:ffff::2]", "[2001:db8:ffff::3]"),
}
FORWARDING = {"-b": "FullNat", "-g": "Route", "-i": "Tunnel", "-m": "Masq"}
WEB, RS = "-t 198.51.100.1:80", "192.0.2.1:80"
MATCH = "-H proto=tcp,src-range=192.0.2.0-192.0.2.254,oif={}"


@pytest.mark.requirement("ADM-01")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forward", FORWARDING)
def test_a_service_is_added_changed_and_deleted(
    operator: Operator, forward: str, kind: str
) -> None:
    """Steps: `ipvsadm -A`, `-a` twice, `-e`, `-E`, `-d`, `-D`; `-ln` after each.

    Verify: after each the service has its scheduler and exactly its real servers, each with port,
    forwarding word and weight; in the end it is not there.
    """
    option, vip, port, *hosts = KINDS[kind]
    which, word = f"{option} {vip}:{port}", FORWARDING[forward]
    # DR and tunnels leave the port as the client wrote it.
    first, second = (f"{host}:{port if forward in ('-g', '-i') else 8080}" for host in hosts)
    operator.does(f"ipvsadm -A {which} -s rr")
    _expect(operator, which, "rr", set())
    operator.does(f"ipvsadm -a {which} -r {first} {forward} -w 7")
    operator.does(f"ipvsadm -a {which} -r {second} {forward}")
    _expect(operator, which, "rr", {(first, word, 7), (second, word, 1)})
    operator.does(f"ipvsadm -e {which} -r {first} {forward} -w 0", undo=OWN)
    operator.does(f"ipvsadm -E {which} -s wrr", undo=OWN)
    _expect(operator, which, "wrr", {(first, word, 0), (second, word, 1)})
    operator.does(f"ipvsadm -d {which} -r {first}", undo=OWN)
    _expect(operator, which, "wrr", {(second, word, 1)})
    operator.does(f"ipvsadm -D {which}", undo=OWN)
    operator.refuses("service show, missing", f"ipvsadm -ln {which}")


@pytest.mark.requirement("ADM-01")
def test_a_real_server_without_a_port_has_the_port_of_its_version(
    operator: Operator, facts: VersionFacts
) -> None:
    """Steps: `ipvsadm -a … -r ADDRESS` with no port (#976).

    Verify: it is listed with the service's port up to 1.9.3, with port 0 after that.
    """
    operator.does(f"ipvsadm -A {WEB} -s rr")
    operator.does(f"ipvsadm -a {WEB} -r 192.0.2.1 -b")
    port = 80 if facts.server_port_copied else 0
    _expect(operator, WEB, "rr", {(f"192.0.2.1:{port}", "FullNat", 1)})


@pytest.mark.requirement("ADM-01")
def test_services_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, with a bad address, no port, no scheduler; change and delete
    what is not there.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    operator.does(f"ipvsadm -A {WEB} -s rr")
    operator.refuses("service add, existing", f"ipvsadm -A {WEB} -s wrr")
    _expect(operator, WEB, "rr", set())
    operator.refuses("service add, bad address", "ipvsadm -A -t 198.51.100.300:80 -s rr")
    operator.refuses("service add, port not named", "ipvsadm -A -t 198.51.100.2 -s rr")
    operator.refuses("service add, address not named", "ipvsadm -A -s rr")
    operator.refuses("service add, no such scheduler", "ipvsadm -A -t 198.51.100.2:80 -s none")
    operator.refuses("service edit, missing", "ipvsadm -E -t 198.51.100.2:80 -s rr")
    operator.refuses("service edit, no such scheduler", f"ipvsadm -E {WEB} -s none")
    operator.refuses("service del, missing", "ipvsadm -D -t 198.51.100.2:80")
    operator.refuses("service zero, missing", "ipvsadm -Z -t 198.51.100.2:80")
    _expect(operator, WEB, "rr", set())


@pytest.mark.requirement("ADM-01")
def test_real_servers_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, to no service, with a bad address, a bad weight; change and
    delete what is not there.

    Verify: each ends as the tool of this version ends, and changes nothing.
    """
    operator.does(f"ipvsadm -A {WEB} -s rr")
    operator.does(f"ipvsadm -a {WEB} -r {RS} -b")
    operator.refuses("RS add, existing", f"ipvsadm -a {WEB} -r {RS} -b -w 9")
    operator.refuses("RS add, no service", f"ipvsadm -a -t 198.51.100.2:80 -r {RS} -b")
    operator.refuses("RS add, bad address", f"ipvsadm -a {WEB} -r 192.0.2.300:80 -b")
    operator.refuses("RS add, bad weight", f"ipvsadm -a {WEB} -r 192.0.2.2:80 -b -w 65536")
    operator.refuses("RS add, RS not named", f"ipvsadm -a {WEB} -b")
    operator.refuses("RS edit, missing", f"ipvsadm -e {WEB} -r 192.0.2.2:80 -b")
    operator.refuses("RS del, missing", f"ipvsadm -d {WEB} -r 192.0.2.2:80")
    _expect(operator, WEB, "rr", {(RS, "FullNat", 1)})


@pytest.mark.requirement("ADM-02")
def test_a_match_service_is_added_changed_and_deleted(operator: Operator, look: Look) -> None:
    """Steps: `ipvsadm -A -H`, `-a … -J`, `-E`, `-e`, `-d`, `-D`; `-ln` after each.

    Verify: MATCH with its ranges and its interface, SNAT with its weight; in the end it is gone.
    """
    which = MATCH.format(operator.port)
    operator.does(f"ipvsadm -A {which} -s rr")
    operator.does(f"ipvsadm -a {which} -r 198.51.100.20:0 -w 100 -J")
    _expect_match(operator, look, "rr", {("198.51.100.20:0", "SNAT", 100)})
    operator.does(f"ipvsadm -e {which} -r 198.51.100.20:0 -w 50 -J", undo=OWN)
    operator.does(f"ipvsadm -E {which} -s wrr", undo=OWN)
    _expect_match(operator, look, "wrr", {("198.51.100.20:0", "SNAT", 50)})
    operator.does(f"ipvsadm -d {which} -r 198.51.100.20:0", undo=OWN)
    _expect_match(operator, look, "wrr", set())
    operator.does(f"ipvsadm -D {which}", undo=OWN)
    left = [one.id for one in look("ipvsadm -ln").services.services if _is_ours(one, operator)]
    assert not left, f"the MATCH service was deleted, and is still there: {left}"


@pytest.mark.requirement("ADM-02")
def test_match_services_that_cannot_be_are_refused(operator: Operator) -> None:
    """Steps: add one that exists, and one of no protocol. Verify: each is refused as it should."""
    which = MATCH.format(operator.port)
    operator.does(f"ipvsadm -A {which} -s rr")
    operator.refuses("service add, existing", f"ipvsadm -A {which} -s rr")
    bad = which.replace("proto=tcp", "proto=none")
    operator.refuses("match add, bad protocol", f"ipvsadm -A {bad} -s rr")


@pytest.mark.requirement("ADM-04")
def test_one_given_service_is_changed_and_no_other(operator: Operator, look: Look) -> None:
    """Steps: two services that differ only in their port; list, change and delete the one.

    Verify: what is listed and changed is that one alone; the other is as it was, to the end.
    """
    other = "-t 198.51.100.1:81"
    for which in (WEB, other):
        operator.does(f"ipvsadm -A {which} -s rr")
        operator.does(f"ipvsadm -a {which} -r {RS} -b -w 3")
    assert len(_services(operator, WEB)) == 1, f"`ipvsadm -ln {WEB}`: {_services(operator, WEB)}"
    before = look("ipvsadm -ln").services.services
    operator.does(f"ipvsadm -E {WEB} -s wlc", undo=OWN)
    operator.does(f"ipvsadm -e {WEB} -r {RS} -b -w 5", undo=OWN)
    _expect(operator, WEB, "wlc", {(RS, "FullNat", 5)})
    operator.does(f"ipvsadm -D {WEB}", undo=OWN)
    gone = {one.id for one in before} - {one.id for one in look("ipvsadm -ln").services.services}
    assert [str(one) for one in gone] == ["TCP  198.51.100.1:80"], f"deleted: {gone or 'nothing'}"
    _expect(operator, other, "rr", {(RS, "FullNat", 3)})


def _services(operator: Operator, which: str) -> tuple[ServiceEntry, ...]:
    answer = operator.ask(f"ipvsadm -ln {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    return parse_services(answer.stdout, answer.command).services


def _expect(
    operator: Operator, which: str, scheduler: str, servers: set[tuple[str, str, int]]
) -> None:
    (service,) = _services(operator, which)
    seen = {(str(one.endpoint), one.forward, one.weight) for one in service.servers}
    assert (service.scheduler, seen) == (scheduler, servers), mismatch(
        f"service {which}", expected=(scheduler, servers), seen=(service.scheduler, seen)
    )


def _is_ours(service: ServiceEntry, operator: Operator) -> bool:
    match = service.id.match
    ours = match is not None and str(match.source).startswith("192.0.2.")
    return match is not None and ours and match.oif == operator.port


def _expect_match(
    operator: Operator, look: Look, scheduler: str, servers: set[tuple[str, str, int]]
) -> None:
    found = [one for one in look("ipvsadm -ln").services.services if _is_ours(one, operator)]
    assert len(found) == 1, f"one MATCH service was added, `ipvsadm -ln` has {found}"
    shown = f"MATCH tcp,from=192.0.2.0-192.0.2.254:0-0,oif={operator.port}"
    assert str(found[0].id) == shown, mismatch("MATCH", expected=shown, seen=found[0].id)
    seen = {(str(one.endpoint), one.forward, one.weight) for one in found[0].servers}
    assert (found[0].scheduler, seen) == (scheduler, servers), mismatch(
        "the MATCH service", expected=(scheduler, servers), seen=(found[0].scheduler, seen)
    )
