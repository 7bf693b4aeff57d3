"""`setup.sh` that is interrupted in apt-get leaves no policy for the services of the machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .benched import ROOT

_FAKES = {
    "dpkg-query": "exit 1",
    "apt-get": "echo $PPID >$FAKES/setup; ls /usr/sbin/policy-rc.d >$FAKES/policy; exec sleep 60",
}
_SCENE = """
mount -t tmpfs tmpfs /usr/sbin
sh ./setup.sh
echo "status $?"
ls /usr/sbin
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_policy_file_is_left(tmp_path: Path, number: signal.Signals) -> None:
    for name, text in _FAKES.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    scene = subprocess.Popen(
        # Of its own mounts, since /usr/sbin is the machine's; signals as a terminal has them.
        ["unshare", "-m", "env", "--default-signal=INT,HUP", "sh", "-c", _SCENE],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "FAKES": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    give_up = time.monotonic() + 60
    while not (tmp_path / "policy").exists() or not (tmp_path / "policy").read_text():
        assert time.monotonic() < give_up, "apt-get was not come to"
        time.sleep(0.05)
    setup = int((tmp_path / "setup").read_text())
    os.kill(setup, number)
    # The shell hears of it when its child has ended: a terminal sends the signal to both.
    for child in Path(f"/proc/{setup}/task/{setup}/children").read_text().split():
        os.kill(int(child), signal.SIGTERM)
    said, _ = scene.communicate(timeout=60)
    assert f"status {128 + number}\n" in said, said
    assert "policy-rc.d" not in said, said


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that any user may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_without_root_no_package_of_the_lab_is_asked_for(readable: Path) -> None:
    """A runner that reaches its hosts by ssh, where nothing is installed yet."""
    for name, text in _FAKES.items():
        path = readable / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    shutil.copy(ROOT / "setup.sh", readable)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "./setup.sh"]
    ran = subprocess.run(
        command,
        cwd=readable,
        env={"PATH": f"{readable}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    asked = ran.stderr.partition("sudo apt-get install ")[2].split()
    assert {"openssh-client", "libpango-1.0-0"} <= set(asked)
    assert not {"nginx-light", "bpftool", "dpdk", "openssh-server"} & set(asked)
