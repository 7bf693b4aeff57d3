from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import Held, Priority, catalogues, load_requirements

ROOT = Path(__file__).parents[2]
SEED = ROOT / "requirements" / "seed.yaml"
UPSTREAM = ROOT / "requirements" / "upstream.yaml"
EACH = sorted((ROOT / "requirements").glob("*.yaml"))

ROW = """\
  - id: {id}
    priority: {priority}
    source: seed 3
    statement: The VIP answers.
    statement_zh: VIP 有应答。
    hint: Look at `dpip addr show`.
    hint_zh: 查看 `dpip addr show`。
"""


def write(path: Path, *rows: str) -> Path:
    path.write_text("requirements:\n" + "".join(rows), encoding="utf-8")
    return path


def test_the_seed_has_s01_to_s36_in_the_articles_order() -> None:
    loaded = load_requirements([SEED])
    assert [r.id for r in loaded] == [f"S{n:02}" for n in range(1, 37)]
    core = {r.id for r in loaded if r.priority is Priority.P1}
    assert {"S25", "S26", "S27", "S28", "S29", "S30", "S31", "S33"} <= core
    assert "S01" not in core
    assert len({r.statement for r in loaded}) == len({r.hint for r in loaded}) == 36


def test_upstreams_list_is_whole_with_its_ids_and_priorities() -> None:
    loaded = load_requirements([UPSTREAM])
    counts = {"DEV": 15, "IP4": 9, "IP6": 9, "FWD": 27, "SCH": 4, "TOA": 10}
    counts |= {"DPI": 19, "ADM": 12, "KAD": 37, "V172": 30}
    wanted = [f"{area}-{n:02}" for area, last in counts.items() for n in range(1, last + 1)]
    assert [r.id for r in loaded] == wanted
    graded = Counter(str(r.priority) for r in loaded if not r.id.startswith("V172"))
    assert graded == {"P1": 74, "P2": 31, "P3": 27, "P4": 10}
    assert {(r.catalogue, r.held) for r in loaded} == {("upstream", Held.WHERE_CHECKED)}
    assert len({r.statement for r in loaded}) == len(loaded)


def test_each_seed_hint_names_a_command() -> None:
    for requirement in load_requirements([SEED]):
        assert "`" in requirement.hint or "getsockopt" in requirement.hint, requirement.id


def test_each_chinese_text_is_chinese() -> None:
    for requirement in load_requirements(EACH):
        if requirement.site:
            continue  # the user's own
        for text in (requirement.statement_zh, requirement.hint_zh):
            assert any("\u4e00" <= c <= "\u9fff" for c in text), requirement.id
        for text in (requirement.statement, requirement.hint):
            assert not any("\u4e00" <= c <= "\u9fff" for c in text), requirement.id
        # Both hints speak of the same log lines and files: what is quoted is in both.
        for part in requirement.hint.split('"')[1::2]:
            assert part in requirement.hint_zh, (requirement.id, part)


def test_rows_keep_their_order_over_files_and_are_frozen(tmp_path: Path) -> None:
    one = write(tmp_path / "b.yaml", ROW.format(id="S02", priority="P1"))
    two = write(tmp_path / "a.yaml", ROW.format(id="FWD-01", priority="P4"))
    loaded = load_requirements([one, two])
    assert [(r.id, r.priority) for r in loaded] == [("S02", "P1"), ("FWD-01", "P4")]
    assert catalogues(loaded) == ("b", "a")
    assert {r.held for r in loaded} == {Held.WHOLE}
    with pytest.raises(ValidationError):
        loaded[0].id = "S03"


def test_an_id_given_twice_names_both_places(tmp_path: Path) -> None:
    one = write(tmp_path / "one.yaml", ROW.format(id="S02", priority="P1"))
    two = write(tmp_path / "two.yaml", ROW.format(id="S02", priority="P1"))
    with pytest.raises(DeclarationError) as error:
        load_requirements([one, two])
    assert str(error.value) == f"{two}:2: S02: duplicate id, already at {one}:2"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("priority: P1", "priority: P5", ":3: S02: priority: expected 'P1', 'P2', 'P3' or"),
        ("source: seed 3", "sauce: seed 3", ":2: S02: source: this key is missing"),
        ("source: seed 3", "source: seed 3\n    mtuu: 1", ":5: S02: mtuu: unknown key"),
        ("source: seed 3", "source: 3", ":4: S02: source: expected text, found 3"),
        ("The VIP answers.", "''", ":5: S02: statement: must be one non-empty line of text"),
        ("id: S02", "id: s 2", ":2: s 2: id: expected text of the form"),
        (
            "source: seed 3",
            "source: seed 3\n    needs: [wings]",
            ":5: S02: needs.0: expected",
        ),
        ("source: seed 3", "source: seed 3\n    held: whole", ":2: S02: held: unknown key"),
        ("id: S02", "id: 2", ":2: row 1: id: expected text, found 2"),
    ],
)
def test_a_bad_row_is_one_sentence_with_file_line_id_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    row = ROW.format(id="S02", priority="P1")
    assert old in row
    path = write(tmp_path / "bad.yaml", row.replace(old, new))
    with pytest.raises(DeclarationError) as error:
        load_requirements([path])
    assert f"{path}{said}" in str(error.value)


def test_how_a_catalogue_is_held_is_one_of_two_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", ROW.format(id="S02", priority="P1"))
    path.write_text("held: where checked\n" + path.read_text("utf-8"), encoding="utf-8")
    assert load_requirements([path])[0].held is Held.WHERE_CHECKED
    path.write_text(path.read_text("utf-8").replace("where checked", "loosely"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"a.yaml:1: held: expected whole or where checked"):
        load_requirements([path])


@pytest.mark.parametrize("text", ["", "- a\n", "requirements: []\n", "requirements: 3\nx: 1\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match="expected the key 'requirements'"):
        load_requirements([path])


def test_a_row_that_is_no_mapping_is_named_by_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.yaml", ROW.format(id="S01", priority="P1"), "  - S02\n")
    with pytest.raises(DeclarationError, match=r":9: row 2: \(whole row\): "):
        load_requirements([path])


def test_chinese_has_no_space_after_its_punctuation(tmp_path: Path) -> None:
    row = ROW.format(id="S02", priority="P1").replace("查看 `", "查看，\n      再看 `")
    assert load_requirements([write(tmp_path / "a.yaml", row)])[0].hint_zh.startswith("查看，再看")


def test_a_sites_own_row_needs_no_translation(tmp_path: Path) -> None:
    row = ROW.format(id="X1", priority="P2")
    row = "".join(line for line in row.splitlines(keepends=True) if "_zh:" not in line)
    path = write(tmp_path / "site.yaml", row)
    (project,) = load_requirements([path])
    assert (project.statement_zh, project.hint_zh, project.site) == ("", "", False)
    path.write_text("site: true\n" + path.read_text("utf-8"), encoding="utf-8")
    assert load_requirements([path])[0].site
    path.write_text(path.read_text("utf-8").replace("true", "ours"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"site.yaml:1: site: expected true or false"):
        load_requirements([path])


def test_a_row_in_parts_says_which_topologies_prove_them() -> None:
    rows = {row.id: row for row in load_requirements(EACH)}
    parts = [row for row in rows.values() if row.id.startswith("S36.")]
    said = rows["S36"].elsewhere
    assert said.startswith(f"holds where its {len(parts)} parts do; topologies that prove them: ")
    for name in {name for part in parts for name in part.topologies}:
        assert (ROOT / "topologies" / f"{name}.yaml").is_file(), name
        assert f"{name} ({sum(name in part.topologies for part in parts)})" in said
    assert {row.id for row in rows.values() if row.elsewhere} == {"S36"}
