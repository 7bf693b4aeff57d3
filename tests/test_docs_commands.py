"""Every command of the guide is run here, as it stands on the page.

Of each run only a few checks are made, for want of time; the hosts `lb01` and `lb02` are software
labs. A command that stands on several pages is run once. One that ends otherwise than with 0 says
so: `# exit status 1`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pipeline import make_clone

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ("five-minutes", "first-bench", "fleet", "reading-a-report", "operator-zh")
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CHECKS = "suites/control/test_addresses_and_routes.py suites/client_address/test_reader.py"
# Those of which the words before are the same: how hosts are named is all that is left to show.
PLANNED = re.compile(r"--host=@")
SSH = """#!/bin/sh
case " $* " in *" -F "*) exec /usr/bin/ssh "$@" ;; esac
exec /usr/bin/ssh -F {config} "$@"
"""


@dataclass(frozen=True, slots=True)
class Command:
    page: str
    text: str
    status: int


def commands() -> list[Command]:
    """In the order of the pages, each once."""
    found: dict[str, Command] = {}
    for page in GUIDE:
        for _, block in BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")):
            for line in filter(None, map(str.strip, block.splitlines())):
                text, _, comment = line.partition("  #")
                status = re.search(r"exit status (\d)", comment)
                one = Command(page, text.strip(), int(status[1]) if status else 0)
                found.setdefault(one.text, one)
    return list(found.values())


@contextmanager
def lab(folder: Path, name: str) -> Iterator[Path]:
    """A lab whose bench has this name; gives the bench file."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "softlab", "up", "--dir", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        written = Path(process.stdout.readline().removeprefix("ready ").strip())
        text = written.read_text().replace('name: "softlab"', f'name: "{name}"', 1)
        config = re.search(r'^ssh_config: "?([^"\n]+)', text, re.MULTILINE)
        assert config is not None
        text = text.replace(config[0], f'ssh_config: "{folder / config[1]}', 1)
        bench = folder / f"{name}.yaml"
        bench.write_text(text)
        yield bench
        process.stdin.close()


def test_every_command_of_the_guide_runs(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "dpvs-acceptance")
    (clone / "balancers.txt").write_text("lb[01:02]  # both\n")
    (clone / "inventory.ini").write_text("[loadbalancers]\nlb[01:02] ansible_user=root\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    wrapper = programs / "ssh"
    places = (programs, clone / ".venv/bin", os.environ["PATH"])
    environment = {**os.environ, "PATH": os.pathsep.join(map(str, places))}
    environment["PYTEST_ADDOPTS"] = f"-p no:cacheprovider {CHECKS}"
    run = commands()
    assert len(run) >= 15
    with ExitStack() as stack:
        benches = [stack.enter_context(lab(tmp_path / name, name)) for name in ("lb01", "lb02")]
        wrapper.write_text(SSH.format(config=benches[0].parent / "ssh_config"))
        wrapper.chmod(0o755)
        (clone / "benches" / "lb02.yaml").write_text(benches[1].read_text())
        for one in run:
            more = {}
            if PLANNED.search(one.text):
                more["PYTEST_ADDOPTS"] = "--plan"
            ran = subprocess.run(
                ["bash", "-c", one.text],
                cwd=clone,
                env={**environment, **more},
                capture_output=True,
                text=True,
                check=False,
            )
            said = f"docs/{one.page}.md: {one.text}\n{ran.stdout[-3000:]}\n{ran.stderr[-1500:]}"
            assert ran.returncode == one.status, said
            if one.text.startswith("cp "):  # "and fill it in"
                (clone / "benches" / "lb01.yaml").write_text(benches[0].read_text())
    assert (clone / "reports" / "fleet" / "index.html").is_file()
    assert 'lang="zh-CN"' in (clone / "reports/latest/index.html").read_text(encoding="utf-8")


def test_a_page_of_the_site_is_in_its_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for name in GUIDE:
        assert re.search(rf"^{name}$", index, re.MULTILINE), name
        assert f"({name}.md)" in index, name


@pytest.mark.parametrize("page", GUIDE)
def test_each_page_of_the_guide_has_commands(page: str) -> None:
    assert BLOCK.search((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
