"""Lays a real server's files into its root, and starts its programs."""

import contextlib
import shutil
from pathlib import Path
from typing import Final

from softlab import kernel
from softlab.host import HostError, run
from softlab.realserver import modules
from softlab.root import HOST_PACKAGE, PACKAGE

#: The article's section 3, and the same for IPv6.
SERVER: Final = """\
server {
    listen 80 default_server;
    listen [::]:80 default_server;

    location / {
        default_type text/plain;
        return 200 "Your IP and port is $remote_addr:$remote_port\\n";
    }
}
"""
_NGINX: Final = """\
user {user};
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;

events {{
    worker_connections 1024;
}}

http {{
    access_log /var/log/nginx/access.log;
    include /etc/nginx/conf.d/*.conf;
}}
"""
#: -S: no site packages; -E: no PYTHON… variables of a session. Both halve the time to start.
_COMMAND: Final = """\
#!/usr/local/bin/python3 -SE
import sys

sys.path.insert(0, "{path}")
from softlab.realserver.{module} import main

main()
"""
#: A question by netlink has the kernel load modules, which stay; PROC_ROOT keeps ss from asking so.
_SS: Final = """\
#!/bin/sh
[ -n "${PROC_ROOT-}${PROC_NET_TCP-}" ] || case " $* " in *" -"*t*|*" -"*u*)
mkdir -p /run/softlab/modules && touch /run/softlab/modules/inet_diag /run/softlab/modules/tcp_diag
esac
exec @REAL@ "$@"
"""
_MODULES: Final = Path("opt/toa")


def furnish(root: Path) -> None:
    """nginx's configuration, the module tools, the modules and udp-echo, below `root`."""
    _nginx(root)
    for name in modules.COMMANDS:
        for place in ("usr/sbin", "usr/bin", "sbin", "bin"):
            # Where the machine has it, and in /usr/sbin, which the article calls it by.
            if (root / place / name).is_symlink() or (root / place / name).exists():
                (root / place / name).unlink()
        _command(root / "usr/sbin" / name, "modules")
    _command(root / "usr/local/sbin/udp-echo", "udp_echo")
    real = next(
        (one for one in ("usr/bin/ss", "bin/ss", "usr/sbin/ss") if (root / one).exists()), ""
    )
    if real:
        ss = root / "usr/local/sbin/ss"
        ss.write_text(_SS.replace("@REAL@", f"/{real}"))
        ss.chmod(0o755)
    (root / _MODULES).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PACKAGE / "realserver/toa/toa.bpf.o", root / _MODULES / "toa.ko")
    # A wrong reader, which only a fault loads.
    shutil.copyfile(PACKAGE / "realserver/toa/credulous.bpf.o", root / _MODULES / "credulous.ko")
    (root / _MODULES / "uoa.ko").write_bytes(modules.UOA_MARK)


def _nginx(root: Path) -> None:
    etc = root / "etc/nginx"
    if etc.exists():
        # The machine's own sites are not the real server's.
        for name in ("conf.d", "sites-enabled", "modules-enabled"):
            shutil.rmtree(etc / name, ignore_errors=True)
    (etc / "conf.d").mkdir(parents=True)
    users = {line.split(":")[0] for line in (root / "etc/passwd").read_text().splitlines()}
    user = next(name for name in ("www-data", "nginx", "nobody", "root") if name in users)
    (etc / "nginx.conf").write_text(_NGINX.format(user=user))
    (etc / "conf.d/article.conf").write_text(SERVER)
    (root / "var/log/nginx").mkdir(parents=True, exist_ok=True)


def _command(path: Path, module: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_COMMAND.format(path=HOST_PACKAGE.parent, module=module))
    path.chmod(0o755)


def start() -> None:
    """Start nginx and udp-echo, in the real server's own namespaces and cgroup."""
    # On a kernel without eBPF the real server works all the same, and insmod says what is missing.
    with contextlib.suppress(OSError):
        kernel.mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=700")
    for command in (["nginx"], ["/usr/local/sbin/udp-echo"]):
        try:
            run(command)
        except OSError as error:
            raise HostError(f"{command[0]} could not be started: {error.strerror}") from None
