"""What a service can have: LIPs, synproxy, persistence, schedulers, lists (ADM-05 to -08, -11)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from dpvs_acceptance.dpvs.ipvsadm import (
    ServiceEntry,
    parse_access_list,
    parse_laddrs,
    parse_services,
)
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.causes import NotSupported
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement

WEB, WEB6 = "-t 198.51.100.1:80", "-t [2001:db8:ffff::1]:80"
# 1.7 has all but mh, which is in since 1.8.8.
SCHEDULERS = ("rr", "wrr", "wlc", "conhash", "mh", "fo")


@requirement("ADM-05")
@requirement("IP4-05", "DPI-07", family=4)
@requirement("IP6-05", "DPI-08", family=6)
@pytest.mark.parametrize(
    ("family", "which", "lips"),
    [
        (4, WEB, ("192.0.2.200", "192.0.2.201")),
        (6, WEB6, ("2001:db8:ffff::200", "2001:db8:ffff::201")),
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_local_address_is_added_listed_and_deleted(
    lb: LoadBalancer, family: int, which: str, lips: tuple[str, str]
) -> None:
    """Steps: `ipvsadm --add-laddr` twice, `-G`, `dpip -s addr show`, `--del-laddr`.

    Verify: each is listed for its service and on its port, with a pool of source ports; after the
    first is deleted, only the second.
    """
    del family
    first, second = lips
    lb.run(f"ipvsadm -A {which} -s rr")
    for lip in lips:
        lb.run(f"ipvsadm -P -z {lip} {which} -F {lb.spare_port}")
    assert _lips(lb, which) == [*lips], f"added {lips}, listed {_lips(lb, which)}"
    state = lb.read("dpip -s addr show")
    on_port = {
        lip: [e.device for e in state.addresses_of(ip_address(lip)) if e.pool] for lip in lips
    }
    wanted = {lip: [lb.spare_port] for lip in lips}
    assert on_port == wanted, mismatch("ports with pools", expected=wanted, seen=on_port)
    lb.run(f"ipvsadm -Q -z {first} {which} -F {lb.spare_port}", undo=NO_UNDO)
    assert _lips(lb, which) == [second], f"{first} deleted, seen {_lips(lb, which)}"
    left = lb.read("dpip -s addr show").addresses_of(ip_address(first))
    assert not left, f"{first} was deleted from its service, and is still on a port: {left}"


@requirement("ADM-05")
def test_a_local_address_can_serve_two_services(lb: LoadBalancer) -> None:
    """Steps: the same `--add-laddr` for a second service (which may say that it exists, #103).

    Verify: both services list it; it stays on its port while one of them has it.
    """
    other = "-t 198.51.100.1:81"
    for which in (WEB, other):
        lb.run(f"ipvsadm -A {which} -s rr")
        add = f"ipvsadm -P -z 192.0.2.200 {which} -F {lb.spare_port}"
        assert not (answer := lb.attempt(add)).exit_status, f"`{add}`: {answer.shown}"
        assert _lips(lb, which) == ["192.0.2.200"], f"LIPs of {which}: {_lips(lb, which)}"
    lb.attempt(f"ipvsadm -Q -z 192.0.2.200 {other} -F {lb.spare_port}", undo=NO_UNDO)
    assert _lips(lb, other) == [], (
        f"the LIP was deleted from its service, but {other} still lists it"
    )
    assert _lips(lb, WEB) == ["192.0.2.200"], f"{WEB} lost the LIP: {_lips(lb, WEB)}"


@requirement("ADM-05")
def test_invalid_local_addresses_are_refused(lb: LoadBalancer) -> None:
    """Steps: add one that exists, on no port, for no service, a bad one; delete a missing
    one.

    Verify: each command fails as in this version.
    """
    port = lb.spare_port
    lb.run(f"ipvsadm -A {WEB} -s rr")
    lb.run(f"ipvsadm -P -z 192.0.2.200 {WEB} -F {port}")
    lb.refuses("LIP add, existing", f"ipvsadm -P -z 192.0.2.200 {WEB} -F {port}")
    lb.refuses("LIP add, no such device", f"ipvsadm -P -z 192.0.2.201 {WEB} -F dpdk99")
    lb.refuses("LIP add, no service", f"ipvsadm -P -z 192.0.2.202 -t 198.51.100.2:80 -F {port}")
    lb.refuses("LIP add, bad address", f"ipvsadm -P -z 192.0.2.300 {WEB} -F {port}")
    lb.refuses("LIP add, device not named", f"ipvsadm -P -z 192.0.2.203 {WEB}")
    lb.refuses("LIP del, missing", f"ipvsadm -Q -z 192.0.2.209 {WEB} -F {port}")
    lb.refuses("LIP show, no service", "ipvsadm -G -t 198.51.100.2:80")
    assert _lips(lb, WEB) == ["192.0.2.200"], f"LIPs are now {_lips(lb, WEB)}"


@requirement("ADM-06")
def test_synproxy_is_switched_on_and_off(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -A … -j enable`, `-E … -j disable`, `-E … -j enable`, and a bad word.

    Verify: `-ln` shows synproxy while it is on, and only then.
    """
    lb.run(f"ipvsadm -A {WEB} -s rr -j enable")
    assert _service(lb, WEB).synproxy, (
        "the service was added with SYN proxy, but ipvsadm does not show it"
    )
    for word in ("disable", "enable"):
        lb.run(f"ipvsadm -E {WEB} -s rr -j {word}", undo=NO_UNDO)
        seen = _service(lb, WEB).synproxy
        assert seen is (word == "enable"), f"after -E … -j {word}: synproxy is shown as {seen}"
    lb.refuses("synproxy, bad value", f"ipvsadm -E {WEB} -s rr -j perhaps")


@requirement("ADM-07")
def test_persistence_is_set_changed_and_taken_away(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -A … -p 300`, `-E … -p 60 -M MASK`; delete the service, add it without -p.

    Verify: `-ln` shows the seconds and the mask of the last command, and none for the new service.
    (-E without -p leaves persistence as it is.)
    """
    lb.run(f"ipvsadm -A {WEB} -s rr -p 300")
    _persistent(lb, (300, None))
    lb.run(f"ipvsadm -E {WEB} -s rr -p 60 -M 255.255.255.0", undo=NO_UNDO)
    _persistent(lb, (60, "255.255.255.0"))
    lb.run(f"ipvsadm -D {WEB}", undo=NO_UNDO)
    lb.run(f"ipvsadm -A {WEB} -s rr")
    _persistent(lb, None)


@requirement("ADM-08")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_service_is_changed_to_each_scheduler(lb: LoadBalancer, scheduler: str) -> None:
    """Steps: add a service with rr, change it to the scheduler; add another with it, change that
    to rr.

    Verify: `-ln` shows the scheduler each time, and the real server is still there.
    """
    other = "-t 198.51.100.1:81"
    lb.run(f"ipvsadm -A {WEB} -s rr")
    lb.run(f"ipvsadm -a {WEB} -r 192.0.2.1:80 -b")
    answer = lb.attempt(f"ipvsadm -E {WEB} -s {scheduler}", undo=NO_UNDO)
    unknown = lb.attempt(f"ipvsadm -E {WEB} -s none", undo=NO_UNDO)
    if answer.exit_status and answer.exit_status == unknown.exit_status:
        raise NotSupported(f"`{answer.command}`: {answer.shown}, as for an unknown scheduler")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    assert _service(lb, WEB).scheduler == scheduler, f"seen {_service(lb, WEB)}"
    assert len(_service(lb, WEB).servers) == 1, "its real server is gone"
    lb.run(f"ipvsadm -A {other} -s {scheduler}")
    assert _service(lb, other).scheduler == scheduler, f"seen {_service(lb, other)}"
    lb.run(f"ipvsadm -E {other} -s rr", undo=NO_UNDO)
    assert _service(lb, other).scheduler == "rr", f"seen {_service(lb, other)}"


@requirement("ADM-11")
@pytest.mark.parametrize(
    ("name", "words"),
    [("blacklist", ("-U", "-V", "-k", "-B")), ("whitelist", ("-O", "-Y", "-2", "-W"))],
    ids=["blacklist", "whitelist"],
)
def test_a_source_is_added_to_and_deleted_from_a_list(
    lb: LoadBalancer, name: str, words: tuple[str, str, str, str]
) -> None:
    """Steps: `ipvsadm -U` (whitelist: `-O`), twice the same; `-B` (`-W`) for one service and for
    all; `-V` (`-Y`).

    Verify: the source is listed once, for its service; after it was deleted, not any more.
    """
    add, delete, option, show = words
    lb.run(f"ipvsadm -A {WEB} -s rr")
    entry = f"{WEB} {option} 192.0.2.66"
    lb.run(f"ipvsadm {add} {entry}")
    lb.refuses(f"{name} add, existing", f"ipvsadm {add} {entry}")
    lb.refuses(f"{name} add, bad address", f"ipvsadm {add} {WEB} {option} 192.0.2.300")
    lb.refuses(f"{name} del, missing", f"ipvsadm {delete} {WEB} {option} 192.0.2.67")
    wanted = [("TCP", "198.51.100.1:80", "192.0.2.66")]
    for command in (f"ipvsadm {show}", f"ipvsadm {show} {WEB}"):
        assert _ours(lb, command) == wanted, f"`{command}`: {_ours(lb, command)}"
    lb.run(f"ipvsadm {delete} {entry}", undo=NO_UNDO)
    left = _ours(lb, f"ipvsadm {show}")
    assert not left, f"192.0.2.66 was deleted, but `ipvsadm {show}` still lists {left}"


@requirement("ADM-11")
def test_a_blacklist_for_no_service_is_taken_all_the_same(lb: LoadBalancer) -> None:
    """Steps: `ipvsadm -U` for a service that does not exist; `-B`.

    Verify: the exit status is the one of this version; nothing is listed.
    """
    lb.refuses("blacklist add, no service", "ipvsadm -U -t 198.51.100.2:80 -k 192.0.2.66")
    answer = lb.query("ipvsadm -B")
    rules = parse_access_list(answer.stdout, answer.command)
    seen = [rule for rule in rules if str(rule.vip) == "198.51.100.2:80"]
    assert not seen, f"there is no such service, and `ipvsadm -B` lists {seen}"


def _service(lb: LoadBalancer, which: str) -> ServiceEntry:
    answer = lb.query(f"ipvsadm -ln {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    (found,) = parse_services(answer.stdout, answer.command).services
    return found


def _lips(lb: LoadBalancer, which: str) -> list[str]:
    answer = lb.query(f"ipvsadm -G {which}")
    assert not answer.exit_status, f"`{answer.command}`: {answer.shown}"
    found = parse_laddrs(answer.stdout, answer.command)
    return sorted(str(lip.address) for service in found for lip in service.addresses)


def _persistent(lb: LoadBalancer, wanted: tuple[int, str | None] | None) -> None:
    found = _service(lb, WEB).persistence
    seen = None if found is None else (found.timeout, found.mask)
    assert seen == wanted, mismatch("persistence (s, mask)", expected=wanted, seen=seen)


def _ours(lb: LoadBalancer, command: str) -> list[tuple[str, str, str]]:
    answer = lb.query(command)
    assert not answer.exit_status, f"`{command}`: {answer.shown}"
    rules = parse_access_list(answer.stdout, command)
    return [
        (rule.protocol, str(rule.vip), str(rule.address))
        for rule in rules
        if str(rule.vip.address) == "198.51.100.1"
    ]
