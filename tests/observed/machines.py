"""A CentOS 7 machine's boot files, as a table of paths to texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dpvs_acceptance.hosts.boot_files import BootFiles
from dpvs_acceptance.observed.boot.sequence import Boot, boot

SYSTEM = "/usr/lib/systemd/system"
ETC = "/etc/systemd/system"
RC = "/etc/rc.d/rc.local"
RC_UNIT = """\
[Unit]
Description=/etc/rc.d/rc.local Compatibility
ConditionFileIsExecutable=/etc/rc.d/rc.local
After=network.target

[Service]
Type=forking
ExecStart=/etc/rc.d/rc.local start
TimeoutSec=0
RemainAfterExit=yes
"""
CENTOS = {
    f"{SYSTEM}/rc-local.service": RC_UNIT,
    f"{SYSTEM}/crond.service": "[Service]\nExecStart=/usr/sbin/crond -n\n",
    RC: "#!/bin/bash\ntouch /var/lock/subsys/local\n",
    "/etc/os-release": 'ID="centos"\nVERSION_ID="7"\n',
    "/etc/fstab": "/dev/mapper/centos-root / xfs defaults 0 0\n",
    "/etc/security/limits.conf": "#*  soft  core  0\n",
    "/etc/pam.d/sshd": "session    include      password-auth\n",
    "/etc/pam.d/password-auth": "session     required      pam_limits.so\n",
}
LINKS = {
    "/etc/rc.local": "rc.d/rc.local",
    f"{ETC}/default.target": "/lib/systemd/system/multi-user.target",
    f"{ETC}/multi-user.target.wants/crond.service": f"{SYSTEM}/crond.service",
    "/etc/sysctl.d/99-sysctl.conf": "../sysctl.conf",
}
DEBIAN = 'ID=debian\nVERSION_ID="12"\n'


def files_of(
    texts: Mapping[str, str],
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    modules: frozenset[str] | None = None,
    **fields: bool,
) -> BootFiles:
    """CentOS 7 with these files besides or instead; a mode of 0 stands for no such file."""
    whole = {**CENTOS, **texts}
    linked = {**LINKS, **(links or {})}
    given = modes or {}
    runs = {path for path, text in whole.items() if text.startswith("#!")}
    known = {path: (0o755 if path in runs else 0o644, "regular file") for path in whole}
    known |= {path: (mode, "regular file") for path, mode in given.items()}
    read = {path: tuple(enumerate(text.split("\n")[:-1], 1)) for path, text in whole.items()}
    # What a link leads to can be read by the link's name, too.
    for path in linked:
        target = BootFiles({}, links=linked).real(path)
        if target in read:
            read[path], known[path] = read[target], known[target]
    gone = {path for path, mode in given.items() if mode == 0}
    return BootFiles(
        lines={path: lines for path, lines in read.items() if path not in gone},
        modes={path: mode for path, mode in known.items() if path not in gone},
        links=linked,
        modules=modules,
        nodes=(0, 1),
        **fields,
    )


def booted(texts: Mapping[str, str], **more: Any) -> Boot:
    return boot(files_of(texts, **more))
