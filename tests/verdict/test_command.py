"""`python -m dpvs_acceptance`: exit status and words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpvs_acceptance.verdict.manifest import read_manifest, write_page_digests
from reports import build
from reports import stored_runs as command
from tests.verdict.test_stored_runs import RESULTS, again, stored, verified

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks of these made-up runs are in no suite."""
    monkeypatch.setattr(command, "verify", lambda run: verified(run, again()))


def test_verify_says_what_it_did_and_ends_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path / "run", *RESULTS)
    build(tmp_path / "run")
    write_page_digests(tmp_path / "run")
    assert command.main(["verify", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "suites/a.py::test_ht: nothing was kept" in said
    assert said.endswith("nothing was altered; the verdict is the same: PASSED ON SIMULATION\n")


@pytest.mark.parametrize("same_suite", [True, False])
def test_a_page_that_the_evidence_does_not_make(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    same_suite: bool,
) -> None:
    run = tmp_path / "run"
    stored(run, *RESULTS)
    build(run)
    page = run / "index.html"
    page.write_text(page.read_text().replace("PASSED ON SIMULATION", "READY"))
    write_page_digests(run)
    commit = read_manifest(run).suite_commit
    monkeypatch.setattr(command, "is_suite", lambda seen, _: seen == commit and same_suite)
    assert command.main(["verify", str(run)]) == (1 if same_suite else 0)
    said = capsys.readouterr().out
    wanted = "DIFFERENT: index.html: is not what" if same_suite else "not compared: index.html"
    assert wanted in said


def test_diff_ends_with_1_where_something_newly_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path / "a", *RESULTS)
    stored(tmp_path / "b", *RESULTS[1:])
    arguments = ["diff", str(tmp_path / "a"), str(tmp_path / "b")]
    assert command.main([*arguments, "--html", str(tmp_path / "diff.html")]) == 1
    assert "Newly untested (1)" in capsys.readouterr().out
    assert "Newly untested (1)" in (tmp_path / "diff.html").read_text()
    assert command.main(["diff", str(tmp_path / "a"), str(tmp_path / "a")]) == 0


def test_wrong_usage_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["verify", str(tmp_path)]) == 3
    assert "is no run: it has no signoff.json" in capsys.readouterr().err
    for arguments in ([], ["verify"], ["nonsense"]):
        with pytest.raises(SystemExit) as end:
            command.main(arguments)
        assert end.value.code == 3


def test_whoever_reads_only_the_first_lines_gets_no_traceback(tmp_path: Path) -> None:
    page = tmp_path / "matrix.html"
    stored(tmp_path / "run", *RESULTS)
    words = f"{sys.executable} -m dpvs_acceptance matrix {tmp_path}/run --html={page} | true"
    done = subprocess.run(
        ["bash", "-c", words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stderr, page.is_file()) == ("", True)


def test_a_page_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path / "run", *RESULTS)
    page = tmp_path / "nowhere" / "matrix.html"
    assert command.main(["matrix", str(tmp_path / "run"), f"--html={page}"]) == 3
    told = f"--html={page}: no page can be written: No such file or directory\n"
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize("same_suite", [True, False])
def test_differences_of_another_suite_s_run_say_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    same_suite: bool,
) -> None:
    stored(tmp_path / "run", *RESULTS)
    (tmp_path / "run" / "junit.xml").unlink()
    monkeypatch.setattr(command, "is_suite", lambda *_: same_suite)
    assert command.main(["verify", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().out
    assert ("made by suite abc123, and this is another one" in said) is not same_suite
