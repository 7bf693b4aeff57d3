"""The topologies' page and drawings in the documents are those of the topologies as they are."""

from __future__ import annotations

from xml.etree import ElementTree

from reports import topologies


def test_page_and_drawings_are_not_stale() -> None:
    made = topologies.pages()
    stale = [
        path.name
        for path, text in made.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"`python -m reports topologies` writes {', '.join(stale)} anew"
    drawings = set(topologies.PAGE.parent.glob("topologies/*.svg"))
    assert drawings == set(made) - {topologies.PAGE}, "drawings of no topology, or missing ones"


def test_a_drawing_is_whole_and_names_every_address() -> None:
    made = topologies.pages()
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
