"""Lines that have to last: put where a boot comes by, undone octet for octet."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dpvs_acceptance.bringup.reboot import mount_at_boot, run_at_boot
from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.hosts.gate import Change
from dpvs_acceptance.observed.boot import lasting
from dpvs_acceptance.observed.boot.sequence import boot

LINE = "ulimit -n 655350"
HEAD = "#!/bin/bash\n"
RC_UNIT = "[Service]\nExecStart={path} start\n"

SCRIPTS = {
    "none": None,
    "empty": "",
    "CentOS": f"{HEAD}# ADDED FOR COMPATIBILITY\n\ntouch /var/lock/subsys/local\n",
    "exit 0": f"{HEAD}touch /x\nexit 0\n",
    "exit 0 at once": f"{HEAD}exit 0",
    "no line end": f"{HEAD}touch /x",
    "no #!": "touch /x\n",
    "behind exit": f"{HEAD}exit 0\n{LINE}\n",
    "comment": f"{HEAD}# {LINE}\n",
    "heredoc": f"{HEAD}cat <<E\n{LINE}\nE\n",
    "if false": f"{HEAD}if false; then\n{LINE}\nfi\n",
    "mistake": f"{HEAD}if [ 1\n",
    "blank lines at the end": f"{HEAD}touch /x\n\n\n",
    "octets": f"{HEAD}echo 'a\\n\t\xfc $HOME `ls`'\\\n\n",
}


class Root:
    """A host's /etc, below a directory; the changes' paths are put there."""

    def __init__(self, path: Path, script: str) -> None:
        self.path, self.script = path, script
        (path / "etc/rc.d").mkdir(parents=True)
        (path / "usr/lib/systemd/system").mkdir(parents=True)
        unit = RC_UNIT.format(path=f"{path}{script}")
        (path / "usr/lib/systemd/system/rc-local.service").write_text(unit)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        for folder in ("/etc/", "/usr/lib/systemd/", "/lib/systemd/"):
            for before in (" ", ">", "<", ":-", "'"):
                text = text.replace(f"{before}{folder}", f"{before}{self.path}{folder}")
        return subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)

    def make(self, change: Change) -> str:
        """Make the change as the gate does; its undo."""
        assert change.capture_undo is not None
        assert change.done is not None
        undo = self.run(change.capture_undo)
        assert undo.returncode == 0, undo.stderr
        applied = self.run(change.apply)
        assert (applied.returncode, applied.stderr) == (0, "")
        assert self.run(change.done).returncode == 0, "it is not seen to be done"
        return undo.stdout

    def boot_files(self) -> BootFiles:
        lines, modes = {}, {}
        for path in self.path.rglob("*"):
            if path.is_file():
                name = f"/{path.relative_to(self.path)}"
                text = path.read_text(encoding="latin-1").replace(str(self.path), "")
                lines[name] = tuple(enumerate(text.split("\n"), 1))
                modes[name] = (path.stat().st_mode & 0o777, "regular file")
        links = {"/etc/rc.local": "rc.d/rc.local"} if "rc.d" in self.script else {}
        return BootFiles(lines, modes, links)


@pytest.mark.parametrize("script", ["/etc/rc.d/rc.local", "/etc/rc.local"])
@pytest.mark.parametrize("content", SCRIPTS.values(), ids=SCRIPTS)
def test_a_line_of_rc_local_takes_effect_and_goes_without_a_trace(
    tmp_path: Path, content: str | None, script: str
) -> None:
    root, path = Root(tmp_path, script), tmp_path / script[1:]
    if "rc.d" in script:
        (tmp_path / "etc/rc.local").symlink_to("rc.d/rc.local")
    before = content.encode("latin-1") if content is not None else None
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o640)
    change = run_at_boot("limits.reboot", LINE)
    assert change.done is not None
    assert root.run(change.done).returncode != 0
    undo = root.make(change)
    answer = lasting.open_files(boot(root.boot_files()), 655350)
    assert answer.holds, str(answer)
    if before is not None:
        kept = path.read_bytes().replace(f"{LINE}\n".encode(), b"", 1)
        assert kept.rstrip(b"\n").endswith(before.rstrip(b"\n"))
    for _ in range(2):  # an undo may run twice
        assert root.run(undo).returncode == 0
    if before is None:
        assert not path.exists()
    else:
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o640)
    if "rc.d" in script:
        assert (tmp_path / "etc/rc.local").is_symlink()


def test_several_lines_are_all_seen_to_be_done(tmp_path: Path) -> None:
    root = Root(tmp_path, "/etc/rc.local")
    (tmp_path / "etc/rc.local").write_text(f"{HEAD}exit 0\n")
    changes = [run_at_boot(f"{n}.reboot", f"insmod /opt/toa/{n}.ko") for n in ("toa", "uoa")]
    undos = [root.make(change) for change in changes]
    for change in changes:
        assert change.done is not None
        assert root.run(change.done).returncode == 0
    for undo in reversed(undos):
        root.run(undo)
    assert (tmp_path / "etc/rc.local").read_text() == f"{HEAD}exit 0\n"


GOOD = "nodev /mnt/huge hugetlbfs defaults 0 0\n"
FSTABS = {
    "none": None,
    "empty": "",
    "others": "/dev/sda1 / xfs defaults 0 0\n",
    "no line end": "/dev/sda1 / xfs defaults 0 0",
    "comment": f"#{GOOD}",
    "noauto": GOOD.replace("defaults", "noauto"),
    "another type": GOOD.replace("hugetlbfs", "tmpfs"),
    "another size": GOOD.replace("defaults", "pagesize=1G"),
    "mistyped": GOOD.replace("defaults", "defualts"),
    "two": GOOD + "tmpfs /mnt/huge/ tmpfs defaults 0 0\n",
}
DONE = {
    "the guide's": GOOD,
    "its size": GOOD.replace("defaults", "rw,pagesize=2M,mode=1770"),
    "twice": GOOD + GOOD,
    "tabs": "none\t/mnt/huge/\thugetlbfs\tnofail\t0\t0\n",
}


@pytest.mark.parametrize("content", FSTABS.values(), ids=FSTABS)
@pytest.mark.parametrize("size_kb", [2048, 1048576])
def test_a_line_of_fstab_takes_effect_and_goes_without_a_trace(
    tmp_path: Path, content: str | None, size_kb: int
) -> None:
    root, path = Root(tmp_path, "/etc/rc.local"), tmp_path / "etc/fstab"
    if content is not None:
        path.write_text(content)
    undo = root.make(mount_at_boot("hugetlbfs.fstab", "/mnt/huge", size_kb))
    answer = lasting.hugetlbfs(boot(root.boot_files()), "/mnt/huge", size_kb)
    assert answer.holds, str(answer)
    assert root.run(undo).returncode == 0
    assert (path.read_text() if path.exists() else None) == content


@pytest.mark.parametrize("content", DONE.values(), ids=DONE)
def test_what_fstab_has_already_is_left_alone(tmp_path: Path, content: str) -> None:
    root = Root(tmp_path, "/etc/rc.local")
    (tmp_path / "etc/fstab").write_text(content)
    change = mount_at_boot("hugetlbfs.fstab", "/mnt/huge", 2048)
    assert change.done is not None
    assert root.run(change.done).returncode == 0
    assert lasting.hugetlbfs(boot(root.boot_files()), "/mnt/huge", 2048).holds
