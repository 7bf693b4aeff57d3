"""How a lab starts and ends, and that it leaves nothing, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.softlab.labs import ROOT, Lab, command, start_time, traces, wait_until_gone

UP_SECONDS = 3.0
DOWN_SECONDS = 2.0


def machine_state(directory: Path) -> list[str]:
    """What of the machine a lab in `directory` could have changed for good: links and mounts."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    named = subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout
    mounts = Path("/proc/self/mountinfo").read_text()
    ours = re.compile(rf"br-(mgmt|wan|lan|remote)|client\d|lb01|rs\d|softlab |{directory}")
    return [line for line in (links + named + mounts).splitlines() if ours.search(line)]


def cgroups_of(pid: int, tmp_path: Path) -> list[str]:
    """The cgroups named after a supervisor, seen through a mount of a child's own."""
    place = tmp_path / "cgroups"
    place.mkdir(exist_ok=True)
    script = (
        f"mount -t cgroup2 none '{place}' && "
        f"find '{place}' -maxdepth 1 -name 'softlab-{pid}-*' -printf '%f\\n'"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_starts_and_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "lab"
    before = machine_state(directory)
    lab = Lab(directory)
    seen = traces(lab.process.pid)
    # The measure itself: five hosts with an sshd each, each with five namespaces of its own.
    assert len(seen.processes) > 10
    assert len(seen.namespaces) > 25
    assert cgroups_of(lab.process.pid, tmp_path) != []
    assert machine_state(directory) == before
    down = lab.end()
    assert seen.left() == []
    assert cgroups_of(lab.process.pid, tmp_path) == []
    assert not directory.exists()
    assert machine_state(directory) == before
    assert lab.seconds < UP_SECONDS
    assert down < DOWN_SECONDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    lab = Lab(tmp_path / "lab")
    seen = traces(lab.process.pid)
    began = time.monotonic()
    assert lab.kill(number) == 0
    assert time.monotonic() - began < DOWN_SECONDS
    assert seen.left() == []
    assert not (tmp_path / "lab").exists()


def test_sigkill_leaves_no_process_and_the_next_start_clears_the_rest(tmp_path: Path) -> None:
    directory = tmp_path / "lab"
    before = machine_state(directory)
    killed = Lab(directory)
    # Programs that a session left behind belong to the lab like any other.
    killed.ssh("lb01", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & mount -t tmpfs x /mnt")
    seen = traces(killed.process.pid)
    assert killed.kill(signal.SIGKILL) == -signal.SIGKILL
    assert wait_until_gone(seen, DOWN_SECONDS) == []
    assert machine_state(directory) == before
    assert cgroups_of(killed.process.pid, tmp_path) != [], "then this test shows nothing"
    again = Lab(directory)
    assert cgroups_of(killed.process.pid, tmp_path) == []
    assert again.ssh("rs1", "hostname") == "rs1\n"
    again.end()
    assert not directory.exists() or list(directory.iterdir()) == []


@pytest.mark.parametrize("after", [0.08, 0.14, 0.2, 0.3])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_ended_while_it_starts(tmp_path: Path, number: signal.Signals, after: float) -> None:
    """At whatever moment the signal comes: it is taken up, and nothing stays."""
    process = subprocess.Popen(
        command(tmp_path / "lab"),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(after)  # the moment is what this test varies
    seen = traces(process.pid)
    os.killpg(process.pid, number)
    process.communicate(timeout=10)
    assert wait_until_gone(seen, DOWN_SECONDS) == []


def test_two_labs_side_by_side(tmp_path: Path) -> None:
    one, other = Lab(tmp_path / "one"), Lab(tmp_path / "other")
    one.ssh("rs1", "echo one > /etc/motd; ip addr add 192.168.229.1/24 dev eth1")
    other.ssh("rs1", "echo other > /etc/motd; ip addr add 192.168.229.1/24 dev eth1")
    other.end()
    assert one.ssh("rs1", "cat /etc/motd; ip -o addr show eth1").startswith("one\n")
    one.end()


def test_a_directory_holds_one_lab(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    second = subprocess.run(
        command(tmp_path / "lab"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    pid = lab.process.pid
    assert second.stderr == (f"softlab: {tmp_path}/lab holds a running lab, of process {pid}\n")
    assert lab.ssh("rs1", "hostname") == "rs1\n"
    lab.end()


def test_a_lab_that_nobody_holds_ends_and_says_why(tmp_path: Path) -> None:
    """Started in the background of a script, say: its stdin has no end to wait for."""
    done = subprocess.run(
        command(tmp_path / "lab"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, f"ready {tmp_path}/lab/bench.yaml\n")
    assert done.stderr == "softlab: stdin has ended, and with it the lab\n"


def test_other_files_in_its_directory_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    Lab(tmp_path).end()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_without_root_one_sentence() -> None:
    done = _check_machine("os.setgid(65534); os.setuid(65534)")
    assert done.stderr == ("softlab: a lab of network namespaces needs root; run it with sudo\n")


def test_without_all_of_root_s_rights_one_sentence(tmp_path: Path) -> None:
    """As root of a container that was not started with --privileged."""
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin", *command(tmp_path / "lab")],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "softlab: the lab could not be started: the kernel refuses unshare; it needs all of root's "
        "rights, in a container those of --privileged\n"
    )
    assert not (tmp_path / "lab").exists()


def test_a_missing_program_is_named_with_its_package() -> None:
    done = _check_machine("os.environ['PATH'] = '/nonexistent'")
    assert "this machine has no ip, sshd, " in done.stderr
    assert "apt-get install bpftool dpdk iproute2 nginx-light openssh-client" in done.stderr


def _check_machine(before: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import os, sys\n"
        "from softlab.spec import LabSpec\n"
        "from softlab.supervisor import LabError, check_machine\n"
        f"{before}\n"
        "try:\n    check_machine(LabSpec())\n"
        "except LabError as error:\n    sys.exit(f'softlab: {error}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done


def test_a_host_that_dies_ends_the_lab_with_its_name(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    seen = traces(lab.process.pid)
    inits = {
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/status")
        if (int(path.parent.name), start_time(int(path.parent.name))) in seen.processes
        and re.search(r"^NSpid:\t\d+\t\d+\t1$", path.read_text(), re.MULTILINE)
    }
    named = {
        subprocess.run(
            ["nsenter", "-t", pid, "-u", "hostname"], capture_output=True, text=True
        ).stdout.strip(): int(pid)
        for pid in inits
    }
    os.kill(named["rs2"], signal.SIGKILL)
    assert lab.process.wait(timeout=10) == 1  # with its stdin still open
    _, errors = lab.process.communicate()
    assert errors.splitlines()[0] == "softlab: the lab ended: rs2's init died"
    assert seen.left() == []


def test_a_lab_inside_a_lab(lab: Lab) -> None:
    """A host's root is an overlay: what a machine in a container offers is enough for a lab."""
    said = lab.ssh("client2", "cd /opt && python3 -m softlab up --dir /tmp/inner </dev/null")
    assert said == "ready /tmp/inner/bench.yaml\n"
