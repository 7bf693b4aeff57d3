"""The pieces of sh that steps are made of, run by a real sh."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dpvs_acceptance.bringup import shell


def run(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["plain", "with 'quote' and $HOME", "with `tick`"])
@pytest.mark.parametrize("content", ["a\nb $x 'q' \\n\n", "", None])
def test_a_file_is_put_back_as_it_was(tmp_path: Path, name: str, content: str | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
        path.chmod(0o640)
    undo = run(shell.restore_file(str(path)))
    assert undo.returncode == 0, undo.stderr
    path.write_text("something else\n")
    path.chmod(0o777)
    for _ in range(2):  # an undo may run twice
        assert run(undo.stdout).returncode == 0
    if content is None:
        assert not path.exists()
    else:
        assert (path.read_text(), path.stat().st_mode & 0o777) == (content, 0o640)


@pytest.mark.parametrize(
    "content", ["x\n y 'z' $HOME `ls`\n", "END-OF-FILE\nmore\n", "! comment\n<init> device {\n}\n"]
)
def test_a_file_is_written_to_the_letter(tmp_path: Path, content: str) -> None:
    path = tmp_path / "f"
    assert run(shell.same_content(str(path), content)).returncode != 0
    assert run(shell.write_file(str(path), content)).returncode == 0
    assert path.read_text() == content
    assert run(shell.same_content(str(path), content)).returncode == 0
