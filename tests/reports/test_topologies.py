"""The topologies' page and drawings in the documents are those of the topologies as they are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports import topologies


def test_page_and_drawings_are_not_stale() -> None:
    made = topologies.pages(topologies.documented())
    stale = [
        path.name
        for path, text in made.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"`python -m reports topologies` updates {', '.join(stale)}"
    drawings = set(topologies.PAGE.parent.glob("topologies/*.svg"))
    assert drawings == set(made) - {topologies.PAGE}, "drawings of no topology, or missing ones"


def test_a_drawing_is_whole_and_names_every_address() -> None:
    made = topologies.pages(topologies.documented())
    drawing = made[topologies.PAGE.parent / "topologies/checklist.svg"]
    root = ElementTree.fromstring(drawing)
    words = " ".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    for address in (
        "10.0.96.1,",
        "2001:db8:96::64",
        "10.0.96.151",
        "192.168.229.12",
        "10.0.96.210",
    ):
        assert address in words, f"{address} is not in the drawing"
    assert "…" not in words.replace("2001:db8:96::242, 2001:db…", ""), "something was cut"


def test_a_users_topology_is_none_of_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = topologies.documented()
    assert len(own) > 10
    folder = tmp_path / "topologies"
    folder.mkdir()
    for path in own:
        (folder / path.name).symlink_to(path)
    (folder / "ours.yaml").write_text("title: not yet whole\n")
    monkeypatch.setattr(topologies, "ROOT", tmp_path)
    assert [path.name for path in topologies.documented()] == [path.name for path in own]
