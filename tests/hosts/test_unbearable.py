"""A reading by which a version of DPVS is harmed is not sent to it."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.hosts.batch import Read
from dpvs_acceptance.hosts.survey import CONNECTIONS, DutPaths, at_once, dpvs_state


def _asked(version: str) -> list[str]:
    paths = DutPaths(verbose_links=facts(Version.parse(version)).verbose_link_stats)
    reads = dpvs_state(paths).values()
    return [read.command if isinstance(read, Read) else read for read in reads]


@pytest.mark.parametrize("version", ["1.8.10", "1.9.0", "1.9.6"])
def test_verbose_statistics_are_not_asked_of_an_old_dpvs(version: str) -> None:
    commands = _asked(version)
    assert not [one for one in commands if "-v link show" in one]
    assert [one for one in commands if one.endswith("dpip -s link show")]


@pytest.mark.parametrize("version", ["1.9.8", "1.10.2"])
def test_they_are_asked_of_one_that_can_bear_it(version: str) -> None:
    assert [one for one in _asked(version) if one.endswith("dpip -s -v link show")]


def test_the_table_of_connections_is_read_only_where_it_is_asked_for() -> None:
    sections = dpvs_state(DutPaths())
    assert CONNECTIONS in sections
    assert sections.keys() - at_once(sections).keys() == {CONNECTIONS}
