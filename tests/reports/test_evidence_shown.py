"""What the pages make of a run's evidence: pictures, ladders, commands; whatever stands in it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.traffic.differences import FieldDifference
from dpvs_acceptance.traffic.verify import WrongPacket, in_words
from dpvs_acceptance.traffic.views import TcpView, describe
from dpvs_acceptance.verdict.comparing import BeforeAfter, Comparison
from dpvs_acceptance.verdict.outcomes import CheckResult
from reports import build, build_pdf
from reports.building import read_page, render_comparison
from reports.charts import CONFIDENCE, draw_spread, nice_step
from reports.drawing import Line, Picture, Words, svg
from reports.ladder import make_ladder
from reports.language import reason, speaker
from reports.markdown import plain
from reports.messages import Sides, Wrong, sides, without_values, wrong_packets
from reports.reading import SpreadSeen, inside
from tests.reports.evidence import captured, line, recorded_topology, write_run
from tests.reports.test_report import HOSTILE, SEED, Elements
from tests.traffic import recorded
from tests.verdict.builders import check, requirement

EN = speaker("en")


def failed(directory: Path, message: str = "lost") -> tuple[CheckResult, ...]:
    """A run of the recorded bench in which the check of S33 fails, with its captures."""
    evidence = captured(directory, "test_toa/attempt-1")
    return (
        check("PASS", "S25"),
        replace(
            check("FAIL", "S33", node="suites/a.py::test_toa", message=message), evidence=evidence
        ),
    )


def words(picture: Picture) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Words)]


def test_a_failure_shows_both_sides_its_commands_and_its_packets(tmp_path: Path) -> None:
    message = (
        "web\n  expected: scheduler rr\n  seen:     wlc\n            and more\n  where:    rs1"
    )
    results = failed(tmp_path, message)
    asked = (
        line(1, phase="bring-up", command="modprobe uio"),
        line(2, check="suites/a.py::test_toa", host="client1", command="curl x", exit_status=7),
        line(3, check="suites/a.py::test_other", command="not this one"),
    )
    write_run(tmp_path, SEED, results, topology=recorded_topology(), transcript=asked)
    build(tmp_path)
    page = Elements((tmp_path / "index.html").read_text())
    for text in ("scheduler rr", "wlc\nand more", "curl x", "SYN seq", "TOA 10.0.0.48:"):
        assert text in page.text, text
    for text in ("modprobe uio", "not this one"):
        assert text not in page.text, text
    links = {attrs.get("href") for tag, attrs in page.tags if tag == "a"}
    assert "evidence/captures/test_toa/attempt-1/client1.pcap" in links


def test_the_ladder_has_every_packet_once_and_in_order() -> None:
    views = {"client1": recorded.views("fnat-tcp", "client")[:10]}
    views["rs1"] = recorded.views("fnat-tcp", "rs1")[:10]
    views["stranger"] = recorded.views("fnat-tcp", "rs2")
    ladder = make_ladder(views, recorded_topology())
    assert ladder is not None
    assert ladder.whole == ladder.shown == len(ladder.lines)
    times = [float(text.split(" ms")[0]) for text in ladder.lines]
    assert times == sorted(times)
    assert any("LIP 192.168.100.200 > rs1  SYN seq" in text for text in ladder.lines)
    assert any("TOA 10.0.0.48:" in text for text in ladder.lines)
    assert not any("stranger" in text for text in ladder.lines)
    assert make_ladder({"client1": []}, recorded_topology()) is None


def test_the_ladder_marks_the_packet_and_the_field_that_the_check_found_wrong() -> None:
    views = {"client1": recorded.views("fnat-tcp", "client")[:10]}
    views["rs1"] = recorded.views("fnat-tcp", "rs1")[:10]
    bad = next(v for v in views["rs1"] if isinstance(v, TcpView) and v.payload)
    found = WrongPacket("for out x", (FieldDifference("ttl", "64", "63"),), describe(bad))
    ladder = make_ladder(views, recorded_topology(), wrong=wrong_packets(in_words([found])))
    assert ladder is not None
    (marked,) = (text for text in ladder.lines if "✗" in text)
    assert f"seq {bad.seq} " in marked
    assert marked.endswith("✗ ttl")
    colours = {shape.colour for shape in ladder.picture.shapes if isinstance(shape, Line)}
    assert colours == {"soft", "accent", "blocked", "fail"}
    assert any("MSS" in text for text in ladder.lines)


def test_an_address_that_a_server_was_told_wrongly_is_marked_in_toa() -> None:
    views = {"rs1": recorded.views("fnat-tcp", "rs1")}
    plain = make_ladder(views, recorded_topology())
    assert plain is not None
    toa = next(text.split("TOA ")[1] for text in plain.lines if "TOA " in text).split(" ")[0]
    message = f"an RS does not see the real client: the client was 10.0.0.48:1, the RS saw {toa}"
    ladder = make_ladder(views, recorded_topology(), wrong=wrong_packets(message))
    assert ladder is not None
    assert all(("✗ TOA" in text) == (f"TOA {toa}" in text) for text in ladder.lines)
    assert any("✗ TOA" in text for text in ladder.lines)


def test_a_wrong_packet_late_in_a_long_conversation_is_shown() -> None:
    views = {"client1": recorded.views("fnat-tcp", "client") * 5}
    last = views["client1"][-1]
    wrong = Wrong({describe(last): ("seq",)})
    ladder = make_ladder({"client1": [*views["client1"][:-1]]}, recorded_topology(), wrong=wrong)
    assert ladder is not None
    assert any("✗ seq" in text for text in ladder.lines)


def test_the_most_telling_failure_is_the_first(tmp_path: Path) -> None:
    rows = (requirement("S25"), requirement("S30"), requirement("S33"))
    results = (
        check("FAIL", "S30", message="curl: (28) timed out"),
        check("FAIL", "S33", message="not as expected of FullNAT: ttl: expected 64, seen 63"),
    )
    write_run(tmp_path, rows, results)
    page = read_page(tmp_path)
    assert [row.id for row in page.failed] == ["S33", "S30"]
    build(tmp_path)
    html = (tmp_path / "index.html").read_text()
    assert html.index('id="failed"') < html.index('id="device"')


def test_a_long_conversation_is_cut_and_says_so() -> None:
    views = {"client1": recorded.views("fnat-tcp", "client") * 5}
    ladder = make_ladder(views, recorded_topology())
    assert ladder is not None
    assert ladder.shown < ladder.whole


def test_the_topology_shows_every_address_that_is_declared(tmp_path: Path) -> None:
    write_run(tmp_path, SEED, (check("PASS", "S25"),))
    drawn = read_page(tmp_path).topology
    assert drawn is not None
    text = "\n".join(words(drawn))
    for address in (
        *("10.0.96.204", "2001:db8:96::204", "192.168.229.204", "fd00:229::204", "172.16.0.1"),
        *("10.0.96.101", "192.168.229.1", "192.168.229.2", "10.0.96.254", "10.0.96.28"),
        *("tcp 10.0.96.204:80 rr", "udp 10.0.96.204:8053 rr", "10.0.96.0/24", "172.16.0.0/24"),
    ):
        assert address in text, address


def test_all_that_is_drawn_lies_within_its_picture(tmp_path: Path) -> None:
    captures = tmp_path / "evidence" / "captures" / "t"
    captures.mkdir(parents=True)
    (captures / "rtt.json").write_text('{"client": "c", "vip": "v", "seconds": [0.001, 0.2]}')
    spread = {"rs1": 900, "rs2": 0, "rs3": 3}
    told = {"service": "s", "client": "c", "scheduler": "rr", "workers": 1, "fair": False}
    told |= {"weights": {"rs1": 1, "rs2": 1}, "counts": spread, "words": "apart " * 99}
    (captures / "spread.json").write_text(json.dumps(told))
    files = ("evidence/captures/t/rtt.json", "evidence/captures/t/spread.json")
    asked = tuple(line(n, phase=p) for n, p in enumerate(("survey", "bring-up", "undo")))
    result = replace(check("PASS", "S31"), evidence=files)
    write_run(tmp_path, SEED, (result,), transcript=asked)
    page = read_page(tmp_path)
    assert [heading for heading, _ in page.pictures] == [
        "Round-trip time of the VIP",
        "Spread over the real servers",
        "Timeline of the run",
    ]
    pictures = [one for _, drawn in page.pictures for one in drawn]
    assert page.topology is not None
    for picture in (*pictures, page.topology):
        for shape in picture.shapes:
            xs = [getattr(shape, n) for n in ("x", "x1", "x2") if hasattr(shape, n)]
            ys = [getattr(shape, n) for n in ("y", "y1", "y2") if hasattr(shape, n)]
            assert all(0 <= x <= picture.width for x in xs), (picture.title, shape)
            assert all(0 <= y <= picture.height for y in ys), (picture.title, shape)
            right = getattr(shape, "x", 0) + getattr(shape, "width", 0)
            assert right <= picture.width, (picture.title, shape)


def test_the_band_of_a_fair_spread_holds_what_it_says() -> None:
    seen = SpreadSeen("s", "c", "rr", {"a": 1, "b": 3}, {"a": 100, "b": 300}, True, "")
    told = draw_spread(seen, EN).description
    reach = CONFIDENCE * (400 * 0.25 * 0.75) ** 0.5
    assert f"a 100, expected 100.0 ({100 - reach:.0f}–{100 + reach:.0f})" in told


@pytest.mark.parametrize(("least", "step"), [(0.9, 1), (1.1, 2), (3, 5), (0.03, 0.05), (0, 1)])
def test_steps_of_an_axis_are_round(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


BROKEN = {
    "evidence/transcript.jsonl": b'{"number": 1}\nnot json\n[]\n\xff\xfe\n',
    "evidence/declared/topology.json": b'{"title": 1}',
    "evidence/captures/test_toa/attempt-1/client1.pcap": b"\xd4\xc3\xb2\xa1 cut",
    "evidence/x/rtt.json": b'{"client": "c", "vip": "v", "seconds": [1e999, -1, "x"]}',
    "evidence/x/spread.json": b'{"weights": {"a": 0}, "counts": []}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_evidence_that_is_broken_costs_its_picture_only(tmp_path: Path, name: str) -> None:
    results = failed(tmp_path)
    more = ("evidence/x/rtt.json", "evidence/x/spread.json", "evidence/missing.pcap")
    results = (results[0], replace(results[1], evidence=(*results[1].evidence, *more)))
    write_run(tmp_path, SEED, results, topology=recorded_topology())
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BROKEN[name])
    build_pdf(build(tmp_path), tmp_path)
    assert "S33" in (tmp_path / "index.html").read_text()


def test_no_file_outside_of_the_run_is_read(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "run" / "link").symlink_to(tmp_path / "secret")
    for name in ("../secret", str(tmp_path / "secret"), "link", ".", "missing"):
        assert inside(tmp_path / "run", name) is None, name


def test_hostile_evidence_is_only_text(tmp_path: Path) -> None:
    results = failed(tmp_path, HOSTILE)
    node = results[1].nodeid
    asked: tuple[dict[str, object], ...] = (
        line(1, check=node, host=HOSTILE, command=HOSTILE, stdout=HOSTILE, phase=None),
    )
    asked += (line(2, phase=HOSTILE, host=HOSTILE * 50, command="\x1b]0;x\x07" + "A" * 9000),)
    captures = tmp_path / "evidence" / "x"
    captures.mkdir()
    (captures / "rtt.json").write_text(
        json.dumps({"client": HOSTILE, "vip": HOSTILE, "seconds": [0.1]})
    )
    results = (results[0], replace(results[1], evidence=("evidence/x/rtt.json",)))
    write_run(tmp_path, SEED, results, topology=recorded_topology(), transcript=asked)
    build_pdf(build(tmp_path), tmp_path)
    html = (tmp_path / "index.html").read_text()
    page = Elements(html)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "foreignobject", "use", "image"}
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert not [c for c in html if ord(c) < 32 and c != "\n"]
    markdown = (tmp_path / "signoff.md").read_text()
    prose = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", markdown)
    assert "<script" not in prose
    assert "<img" not in prose
    assert not [c for c in markdown if ord(c) < 32 and c != "\n"]


def test_no_page_names_an_outside_address(tmp_path: Path) -> None:
    write_run(tmp_path, SEED, failed(tmp_path), topology=recorded_topology())
    build_pdf(build(tmp_path), tmp_path)
    for name in ("index.html", "signoff.md", "signoff.pdf"):
        data = (tmp_path / name).read_bytes()
        assert not re.search(rb"https?://|/URI\b|@import|//[a-z]+\.[a-z]", data), name


def test_markdown_is_not_acted_on() -> None:
    assert plain("a | b\n# c") == r"a \| b \# c"
    assert plain("<b>[x](http://y)") == r"&lt;b&gt;\[x\](http&#8203;://y)"


def test_text_in_a_picture_is_escaped() -> None:
    drawn = svg(Picture(10, 10, "<t>", '"&', (Words(0, 0, "</text><script>"),)), "p1")
    assert "<script>" not in drawn
    assert "&lt;/text&gt;&lt;script&gt;" in drawn


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("x: expected 1, seen 2", (Sides("x", "1", "2"),)),
        ("web: scheduler rr expected, seen wlc", (Sides("web", "scheduler rr", "wlc"),)),
        ("bad:\n    ttl: expected 63, seen 64", (Sides("ttl", "63", "64"),)),
        ("it is gone", ()),
        ("x\n  expected: a\nsomething", ()),
        ("", ()),
    ],
)
def test_expected_is_set_beside_seen(message: str, found: tuple[Sides, ...]) -> None:
    assert sides(message) == found


def test_the_report_in_chinese_says_all_in_chinese(tmp_path: Path) -> None:
    write_run(tmp_path, SEED, failed(tmp_path), topology=recorded_topology())
    build_pdf(build(tmp_path, "zh"), tmp_path)
    html = (tmp_path / "index.html").read_text()
    assert '<html lang="zh-CN">' in html
    page = Elements(html)
    for row in SEED:
        assert row.statement_zh.replace("`", "") in page.text
    for text in ("不可上线", "失败项", "拓扑", "签署", "如何复现"):
        assert text in page.text
    for text in ("Failures", "Requirements", "Device under test", "Where to look"):
        assert text not in page.text


def test_the_verdicts_own_sentences_are_translated_and_quotes_are_not() -> None:
    for words, chinese in (
        ("S29 (P1) FAIL: FAIL in the log", "S29 (P1) 失败: FAIL in the log"),
        ("NOT TESTED: S36", "未测试: S36"),
        (
            "blocked: rs2 is gone (3 checks could not run)",
            "受阻：rs2 is gone（3 项检查无法进行）",
        ),
        ("anything else", "anything else"),
    ):
        assert reason(words, "zh") == chinese
        assert reason(words, "en") == words


def test_a_message_is_shown_without_what_pytest_adds() -> None:
    assert without_values("a\n  b\nassert 1 == 2\n  +1") == "a\n  b"
    assert without_values("assert 1 == 2\n  +1") == "assert 1 == 2\n  +1"


def test_a_run_of_220_requirements_with_captures_is_built_in_under_a_second(tmp_path: Path) -> None:
    many = tuple(requirement(f"X{n:03}") for n in range(220))
    results = []
    asked = []
    for n, row in enumerate(many):
        node = f"suites/a.py::test_{n}"
        result = check(
            "FAIL" if n % 10 == 0 else "PASS", row.id, node=node, message="x: expected 1, seen 2"
        )
        if n % 10 == 0:
            result = replace(result, evidence=captured(tmp_path, f"t{n}/attempt-1"))
        results.append(result)
        asked += [line(n * 3 + k, check=node, stdout="out\n" * 50) for k in range(3)]
    write_run(tmp_path, many, tuple(results), topology=recorded_topology(), transcript=tuple(asked))
    build(tmp_path)
    began = time.process_time()  # what a busy machine does beside it does not count
    build(tmp_path)
    assert time.process_time() - began < 1


def test_the_page_of_a_comparison_is_only_text() -> None:
    change = BeforeAfter(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    found = Comparison("a", "b", ("READY", "NOT READY"), (change,), (), (), (), (change,), ())
    html = render_comparison(found)
    page = Elements(html)
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert "Newly failing (1)" in page.text
    assert not re.search(r"https?://|@import|src=", html.replace("src=x onerror=y", ""))


def test_a_row_without_chinese_is_shown_in_english_and_named(tmp_path: Path) -> None:
    own = requirement("X1").model_copy(update={"statement_zh": "", "hint_zh": ""})
    write_run(tmp_path, (requirement("S29"), own), (check("PASS", "S29"), check("PASS", "X1")))
    page = build(tmp_path, "zh")
    assert page.untranslated == ("X1",)
    html = Elements((tmp_path / "index.html").read_text()).text
    assert "没有中文文本，以英文显示: X1" in html
    assert "X1 holds." in html
    assert "S29 成立。" in html
    assert "没有中文文本，以英文显示: X1" in (tmp_path / "signoff.md").read_text()
    assert build(tmp_path, "en").untranslated == ()
