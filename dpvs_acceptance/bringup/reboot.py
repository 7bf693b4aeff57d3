"""What has to be there again after a reboot: lines of rc.local and /etc/fstab, where they count.

A line of rc.local is put right behind `#!`: nothing that stands in the file can keep a boot from
coming by. It goes into the file that rc-local.service starts. A line of fstab replaces others for
the same mount point, of which a boot would take one.
"""

from __future__ import annotations

import shlex

from dpvs_acceptance.bringup.shell import restore_file
from dpvs_acceptance.hosts.gate import Change

FSTAB = "/etc/fstab"
# Sets $f: the script that a boot runs, whichever of its names is a link.
_SCRIPT = (
    r"f=$(sed -n 's/^ExecStart=\(\/[A-Za-z0-9_.\/-]*\).*/\1/p' "
    "/etc/systemd/system/rc-local.service /usr/lib/systemd/system/rc-local.service "
    "/lib/systemd/system/rc-local.service 2>/dev/null | "
    "head -n 1); f=$(readlink -f ${f:-/etc/rc.local})"
)
# Behind `#!` may stand comments and commands like ours, before the line is not found in time.
_FOUND = (
    "awk 'NR == 1 && !/^#!.*sh/ { exit } NR == 1 { next }"
    ' $0 == ENVIRON["line"] { found = 1; exit }'
    " /^[ \\t]*(#|$)/ { next } /^(ulimit|insmod|modprobe) [^;&|<>`$()]*$/ { next } { exit }"
    " END { exit !found }' $f"
)
_INSERTED = (
    'awk \'NR == 1 && /^#!/ { print; print ENVIRON["line"]; next }'
    ' NR == 1 { print "#!/bin/sh"; print ENVIRON["line"] } { print }'
    ' END { if (!NR) { print "#!/bin/sh"; print ENVIRON["line"] } }\' $f; echo .'
)


def run_at_boot(change_id: str, line: str) -> Change:
    """A command in rc.local, where the deployment guide makes things permanent."""
    given = f"export line={shlex.quote(line)}; {_SCRIPT}"
    return Change(
        id=change_id,
        title=f"run at boot: {line} (rc.local)",
        done=f"{given}; [ -x $f ] && {_FOUND}",
        capture_undo=f"{_SCRIPT}; {restore_file('$f', literal=False)}",
        apply=(
            f"{given}; [ -e $f ] || : >$f; new=$({_INSERTED}) && "
            "printf '%s' \"${new%.}\" >$f && chmod a+x $f"
        ),
    )


def mount_at_boot(change_id: str, mount: str, size_kb: int) -> Change:
    """hugetlbfs in /etc/fstab, as the only line for its mount point."""
    sizes = "(1G|1024M)" if size_kb == 1048576 else "(2M|2048[kK])"
    named = f"o ~ /,pagesize={sizes},/" if size_kb == 1048576 else "1"
    known = (
        "defaults|rw|nofail|auto|noatime|relatime|nodev|nosuid|noexec|x-[^,]*|(mode|uid|gid)=[0-9]+|"
        f"pagesize={sizes}"
    )
    point = f'p = $2; sub("/+$", "", p); ours = !/^[ \\t]*#/ && p == {_awk(mount)}'
    found = (
        f'awk \'{{ {point}; if (!ours) next; n++; o = "," $4 ","; '
        f'if ($3 == "hugetlbfs" && $4 ~ /^({known})(,({known}))*$/ && {named}) good++ }} '
        f"END {{ exit !(n && n == good) }}' {FSTAB} 2>/dev/null"
    )
    line = fstab_line(mount, size_kb)
    return Change(
        id=change_id,
        title=f"mount hugetlbfs again after a reboot ({FSTAB})",
        done=found,
        capture_undo=restore_file(FSTAB),
        apply=(
            f'[ -e {FSTAB} ] || : >{FSTAB}; new=$(awk \'{{ {point}; print ours ? "#" $0 : $0 }} '
            f"END {{ print {_awk(line)} }}' {FSTAB}; echo .) && "
            f"printf '%s' \"${{new%.}}\" >{FSTAB}"
        ),
    )


def fstab_line(mount: str, size_kb: int) -> str:
    """The guide's line; a page size that is not the kernel's default has to be named."""
    options = "pagesize=1G" if size_kb == 1048576 else "defaults"
    return f"nodev {mount} hugetlbfs {options} 0 0"


def _awk(text: str) -> str:
    """A text of awk within a program in single quotes."""
    if "'" in text or "\\" in text or '"' in text:
        raise ValueError(f"{text!r} cannot be used in an awk program")
    return f'"{text}"'
