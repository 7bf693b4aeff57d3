"""Versions and their facts."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest

from dpvs_acceptance.dpvs.versions import UnknownVersionError, Version, VersionFacts, facts

RELEASES = [
    Version.parse(text)
    for text in (
        *("1.8.2", "1.8.8", "1.8.10", "1.8.12", "1.9.0", "1.9.2", "1.9.4"),
        *("1.9.6", "1.9.8", "1.9.10", "1.10.1", "1.10.2"),
    )
]


@pytest.mark.parametrize("text", ["1.10-2", "1.10.2", "v1.10.2", " 1.10-2\n"])
def test_one_version_in_all_spellings(text: str) -> None:
    version = Version.parse(text)
    assert version == Version(1, 10, 2)
    assert (str(version), version.dashed) == ("1.10.2", "1.10-2")


@pytest.mark.parametrize("text", ["", "1.10", "1.10.2.1", "1.x-2", "1,10-2", "one", "1.10--2"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(UnknownVersionError, match="is not a DPVS version"):
        Version.parse(text)


def test_order_is_by_number_not_by_letter() -> None:
    assert sorted(RELEASES, key=str) != RELEASES
    assert sorted(RELEASES) == RELEASES


def test_versions_before_the_table_are_refused() -> None:
    with pytest.raises(UnknownVersionError, match=r"1\.7\.8 is older than 1\.8\.0"):
        facts(Version(1, 7, 8))


def test_newer_versions_have_the_newest_facts() -> None:
    newest, newer = facts(Version(1, 10, 2)), facts(Version(1, 11, 0))
    differing = [
        field.name
        for field in fields(VersionFacts)
        if getattr(newest, field.name) != getattr(newer, field.name)
    ]
    assert differing == ["version"]


@pytest.mark.parametrize(
    ("name", "v1_8_10", "v1_9_10", "v1_10_2"),
    [
        ("dpdk", "18.11.2", "20.11.10", "24.11"),
        ("ipc_path", "/var/run/dpvs_ctrl", "/var/run/dpvs.ipc", "/var/run/dpvs.ipc"),
        ("daemon_paths", False, True, True),
        ("main_lcore_option", "--master-lcore", "--main-lcore", "--main-lcore"),
        ("allow_option", "-w", "-a", "-a"),
        ("worker_thread", "lcore-slave-{}", "lcore-worker-{}", "dpdk-worker{}"),
        ("kni_kind", "rte_kni", "rte_kni", "virtio-user"),
        ("toa_on_syn", True, False, False),
        ("synproxy_closes_window", True, False, False),
        ("synproxy_sack", False, True, True),
        ("server_port_copied", True, False, False),
        ("ipvsadm_reports_version", False, True, True),
        ("dpip_reports_version", False, True, True),
        ("route_tos_and_outwall", True, False, False),
        ("route_flush", "route flush", "route flush dev {}", "route flush dev {}"),
        ("lldp", False, True, True),
    ],
)
def test_facts_that_checks_see(
    name: str, v1_8_10: object, v1_9_10: object, v1_10_2: object
) -> None:
    wanted = {(1, 8, 10): v1_8_10, (1, 9, 10): v1_9_10, (1, 10, 2): v1_10_2}
    for version, value in wanted.items():
        assert getattr(facts(Version(*version)), name) == value, version


@pytest.mark.parametrize(
    ("keyword", "there"),
    [
        ("global_defs/kni", (False, True, True)),
        ("ctrl_defs/ipc_msg", (True, False, False)),
        ("netif_defs/device/fdir", (True, False, False)),
        ("netif_defs/device/tx/mbuf_fast_free", (False, True, True)),
    ],
)
def test_keywords_by_version(keyword: str, there: tuple[bool, ...]) -> None:
    versions = (Version(1, 8, 10), Version(1, 9, 10), Version(1, 10, 2))
    assert tuple(facts(version).has_keyword(keyword) for version in versions) == there


def test_toa_left_the_syn_with_1_9_6() -> None:
    on_syn = [str(version) for version in RELEASES if facts(version).toa_on_syn]
    assert on_syn[-1] == "1.9.4"
    assert len(on_syn) == RELEASES.index(Version(1, 9, 6))


def test_1_8_12_is_younger_than_1_9_0() -> None:
    reporting = [str(version) for version in RELEASES if facts(version).dpip_reports_version]
    assert reporting == ["1.8.12", "1.9.2", "1.9.4", "1.9.6", "1.9.8", "1.9.10", "1.10.1", "1.10.2"]


def test_every_fact_differs_or_is_a_path() -> None:
    """A fact that is the same for all versions has no place in the table."""
    always = {"pid_file"}
    for field in fields(VersionFacts):
        values = {getattr(facts(version), field.name) for version in RELEASES}
        assert (len(values) == 1) == (field.name in always), field.name


EVERY = [
    *(Version(1, 8, number) for number in range(14)),
    *(Version(1, 9, number) for number in range(12)),
    *(Version(1, 10, number) for number in range(4)),
]
# At which versions the value changes; upstream tags the even ones of 1.8 and 1.9.
BEGINS = {
    "keywords": "1.8.8 1.8.10 1.8.12 1.9.0 1.9.2 1.9.4 1.9.6 1.9.8 1.9.10",
    "dpdk": "1.9.0 1.9.8 1.10.0",
    "pid_file": "",
    "ipc_path": "1.9.4",
    "daemon_paths": "1.9.4",
    "main_lcore_option": "1.9.0",
    "allow_option": "1.9.0",
    "worker_thread": "1.9.0 1.10.0",
    "kni_kind": "1.10.0",
    "toa_on_syn": "1.9.6",
    "toa_on_fin": "1.8.8",
    "toa_prunes": "1.9.6",
    "synproxy_closes_window": "1.9.2",
    "synproxy_sack": "1.9.6",
    "server_port_copied": "1.9.4",
    "ipvsadm_reports_version": "1.9.4",
    "dpip_reports_version": "1.8.12 1.9.0 1.9.2",
    "proxy_protocol": "1.9.6",
    "route_tos_and_outwall": "1.9.6",
    "route_flush": "1.9.10",
    "lldp": "1.9.8",
    "verbose_link_stats": "1.9.8",
    "missing_service_status": "1.9.0",
}


@pytest.mark.parametrize("name", BEGINS)
def test_each_fact_begins_at_the_version_that_has_it_first(name: str) -> None:
    begins = [
        str(later)
        for earlier, later in pairwise(EVERY)
        if getattr(facts(earlier), name) != getattr(facts(later), name)
    ]
    assert " ".join(begins) == BEGINS[name]


def test_the_beginnings_are_of_all_facts() -> None:
    assert {*BEGINS, "version"} == {field.name for field in fields(VersionFacts)}
