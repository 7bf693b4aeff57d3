"""An empty folder and the wheel: the page docs/your-own-repository.md, word by word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/your-own-repository.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
INSTALL = 2
"""The first commands are what `environment` does, without a package index."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it. It shares what the suite depends on with this one."""
    folder = tmp_path_factory.mktemp("package")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    own = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True)
    place = next(own.glob("lib/python*/site-packages"))
    (place / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (own / "bin" / "pytest").write_text(f'#!/bin/sh\nexec {own}/bin/python -m pytest "$@"\n')
    (own / "bin" / "pytest").chmod(0o755)
    pip = [sys.executable, "-m", "pip", "--python", str(own / "bin/python"), "install", "--quiet"]
    wheel = next(folder.glob("*.whl"))
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    return own


def run(environment: Path, folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": "", "COLUMNS": "100"}
    command = ["bash", "-c", line]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_page_word_by_word(environment: Path, tmp_path: Path) -> None:
    assert all("pip install" in line or "venv" in line for line in COMMANDS[:INSTALL])
    for line in COMMANDS[INSTALL:]:
        ran = run(environment, tmp_path, line)
        expected = int(found[1]) if (found := re.search(r"# exit status (\d)", line)) else 0
        said = f"{line}\n{ran.stdout[-3000:]}{ran.stderr[-2000:]}"
        assert ran.returncode == expected, said
    runs = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(tmp_path.glob("reports/runs/*/signoff.json"))
    ]
    good, bad = runs
    assert good["verdict"] == "PASSED ON SIMULATION"
    assert [(row["id"], row["outcome"]) for row in good["requirements"]] == [("OUR-01", "PASS")]
    names = {one["nodeid"].partition("[")[0] for one in good["requirements"][0]["checks"]}
    assert names == {"suites/test_pages.py::test_every_page_is_served"}
    assert {one["catalogue"] for one in good["unjudged"]} >= {"seed", "upstream"}
    assert good["suite"]["commit"].startswith("0.1.0, site ")
    assert bad["verdict"] == "NOT READY"
    assert [row["outcome"] for row in bad["requirements"]] == ["FAIL"]


def test_checks_have_the_names_that_they_have_in_a_clone(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "a-folder").mkdir()
    ran = run(
        environment,
        tmp_path,
        "pytest --pyargs dpvs_acceptance.suites --collect-only -q -p no:cacheprovider -k test_icmp",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    names = [line for line in ran.stdout.splitlines() if "::" in line]
    assert names
    assert {name.partition("::")[0] for name in names} >= {"suites/forwarding/test_icmp.py"}
    assert "Warning" not in ran.stdout + ran.stderr


def test_the_suite_stays_out_of_other_sessions(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import sys\ndef test_a():\n assert not {*SUITE} & {*sys.modules}\n".replace(
            "SUITE", '["fixtures", "reports", "softlab"]'
        )
    )
    ran = run(environment, tmp_path, "pytest -q test_a.py")
    assert ran.returncode == 0, ran.stdout
    assert "device:" not in ran.stdout


@pytest.mark.parametrize(
    ("file", "text", "arguments", "said"),
    [
        ("fixtures/__init__.py", "", "", "the suite has a package of this name"),
        ("requirements/seed.yaml", "requirements: []\n", "", "seed is a catalogue of the suite"),
        ("a.yaml", "", "--requirements=./a.yaml", "a catalogue is a file of"),
    ],
)
def test_what_a_site_cannot_do_is_one_sentence(
    environment: Path, tmp_path: Path, file: str, text: str, arguments: str, said: str
) -> None:
    settings = "[pytest]\naddopts = --pyargs\ntestpaths = dpvs_acceptance.suites\n"
    (tmp_path / "pytest.ini").write_text(settings)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    ran = run(environment, tmp_path, f"pytest {arguments}")
    assert ran.returncode == 3
    assert [line.startswith("ERROR: ") for line in ran.stderr.splitlines() if line] == [True]
    assert said in ran.stderr
