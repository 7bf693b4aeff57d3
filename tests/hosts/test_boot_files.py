"""The section of a boot's files: what the script prints, and what is made of it."""

from __future__ import annotations

import subprocess

import pytest

from dpvs_acceptance.hosts.boot_files import boot_files, read_boot_files
from dpvs_acceptance.hosts.facts import FactError

TEXT = """\
valid /etc/rc.d/rc.local
mode 755 regular file /etc/rc.d/rc.local
mode 644 regular empty file /etc/sysctl.d/9.conf
link '/etc/rc.local' -> 'rc.d/rc.local'
link `/etc/systemd/system/dpvs.service' -> `/dev/null'
systemd
file /etc/rc.d/rc.local
 #!/bin/sh\r
 \x0c exit 0
 /opt/up.sh
file /boot/grub2/grub.cfg
 95:\tlinux16 /vmlinuz ro
page 2048
nr_open 1048576
node 1
node 0
tree
module kernel/drivers/uio/uio.ko.xz
built-in kernel/drivers/vhost/vhost-net.ko
"""


def test_each_line_is_understood() -> None:
    read = read_boot_files(TEXT)
    assert read.lines["/etc/rc.d/rc.local"] == (
        (1, "#!/bin/sh\r"),
        (2, "\x0c exit 0"),
        (3, "/opt/up.sh"),
    )
    assert read.lines["/boot/grub2/grub.cfg"] == ((95, "\tlinux16 /vmlinuz ro"),)
    assert read.executable("/etc/rc.d/rc.local")
    assert not read.executable("/etc/sysctl.d/9.conf")
    assert read.real("/etc/rc.local") == "/etc/rc.d/rc.local"
    assert read.real("/etc/systemd/system/dpvs.service") == "/dev/null"
    assert (read.systemd, read.valid) == (True, frozenset({"/etc/rc.d/rc.local"}))
    assert (read.page_kb, read.nr_open, read.nodes) == (2048, 1048576, (0, 1))
    assert (read.modules, read.built_in) == ({"uio", "vhost_net"}, {"vhost_net"})


def test_a_path_is_there_or_not_or_nobody_asked() -> None:
    read = read_boot_files(TEXT)
    assert read.exists("/etc/rc.d/rc.local") is True
    assert read.exists("/opt/up.sh") is False, "it stands in a file, and was not found"
    assert read.exists("/opt/up") is None
    assert read.exists("/run/up.sh") is None, "it says nothing of the next boot"


def test_without_a_list_of_modules_none_is_missing() -> None:
    assert read_boot_files("page 2048\n").modules is None


@pytest.mark.parametrize("line", [" a line of no file", "mode x file /a", "something else"])
def test_what_is_not_understood_is_quoted(line: str) -> None:
    with pytest.raises(FactError, match=line.split()[-1]):
        read_boot_files(f"{line}\n")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_this_machine_s_own_files_are_understood(shell: str) -> None:
    command = [shell, "-c", boot_files(("uio", "igb_uio", "toa"))]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    read = read_boot_files(said.stdout)
    assert "/etc/fstab" in read.lines
    assert read.page_kb in (2048, 1048576, 16384, 32768, 65536, 524288)
