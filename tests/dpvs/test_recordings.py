"""Every recording of real DPVS is read by one parser, or is none of its state."""

from __future__ import annotations

from fnmatch import fnmatch

import pytest

from tests.dpvs.catalogue import CATALOGUE, Read, entries, reader
from tests.dpvs.recorded import all_names, recording

NAMES = all_names()
READ = [name for name in NAMES if reader(name) is not None]
WRITTEN = [
    name
    for name in READ
    # Quoted from a web page, without its white space.
    if not name.startswith("v1.8.10/") and (found := reader(name)) and found.render is not None
]


@pytest.mark.parametrize("name", NAMES)
def test_has_one_reader_or_one_reason(name: str) -> None:
    assert len(entries(name)) == 1, f"{name} fits {entries(name) or 'no entry of the catalogue'}"


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.names[0])
def test_no_entry_of_the_catalogue_is_for_nothing(entry: Read) -> None:
    for pattern in entry.names:
        assert any(fnmatch(name, pattern) for name in NAMES), pattern


@pytest.mark.parametrize("name", READ)
def test_is_read(name: str) -> None:
    entry = reader(name)
    assert entry is not None
    entry.parser(entry.text(recording(name).output))


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_lost(name: str) -> None:
    """Written from what was read, by the tools' own formats, it is the same text again."""
    entry = reader(name)
    assert entry is not None
    assert entry.render is not None
    text = entry.text(recording(name).output)
    assert entry.render(entry.parser(text)) == text
