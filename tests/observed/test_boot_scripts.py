"""rc.local and all other ways of the limit of open files: what a boot really does."""

from __future__ import annotations

from typing import Any

import pytest

from dpvs_acceptance.observed.boot import lasting

from .machines import CENTOS, DEBIAN, ETC, RC, SYSTEM, booted

LINE = "ulimit -n 655350"
HEAD = "#!/bin/bash\n"
DPVS = "/opt/dpvs/bin/dpvs"
UNIT = f"[Service]\nExecStart={DPVS}\nLimitNOFILE=655350\n[Install]\nWantedBy=multi-user.target\n"
WANTED = {f"{ETC}/multi-user.target.wants/dpvs.service": f"{ETC}/dpvs.service"}


def rc(text: str, **more: Any) -> dict[str, Any]:
    return {"texts": {RC: HEAD + text}, **more}


def etc(path: str, text: str, **more: Any) -> dict[str, Any]:
    return {"texts": {path: text}, **more}


# What is wrong -> the machine, and words of the message that name the line and the cause.
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nothing": (rc("touch /x\n"), ("no file sets it",)),
    "behind exit": (rc(f"exit 0\n{LINE}\n"), (f"{RC}:3 `{LINE}`", "`exit 0` in line 2")),
    "behind exit in braces": (rc(f"{{ exit 1; }}\n{LINE}\n"), ("line 2",)),
    "behind exit of a called function": (
        rc(f"done_() {{\n  exit 0\n}}\ndone_\n{LINE}\n"), (f"{RC}:6", "line 3")
    ),
    "behind && exit": (rc(f"true && exit\n{LINE}\n"), ("`exit` in line 2",)),
    "behind exec": (rc(f"exec /bin/true\n{LINE}\n"), ("`exec` in line 2",)),
    "comment": (rc(f"# {LINE}\n"), (f"{RC}:2", "is a comment")),
    "comment without blank": (rc(f"#{LINE}\n"), (f"{RC}:2", "is a comment")),
    "heredoc": (rc(f"cat >/etc/motd <<EOF\n{LINE}\nEOF\n"), (f"{RC}:3", "not a command")),
    "if false": (rc(f"if false; then\n{LINE}\nfi\n"), (f"{RC}:3", "never taken (line 2)")),
    "else of true": (rc(f"if true; then :; else\n{LINE}\nfi\n"), ("never taken",)),
    "false &&": (rc(f"false && {LINE}\n"), ("`&&`",)),
    "true ||": (rc(f"true || {LINE}\n"), ("`||`",)),
    "number test": (rc(f"if [ 1 -eq 2 ]; then {LINE}; fi\n"), ("never taken",)),
    "file that is not there": (
        rc(f"[ -f /opt/flag ] && {LINE}\n"), ("`&&`", "fails")
    ),
    "while false": (rc(f"while false; do {LINE}; done\n"), ("never entered",)),
    "behind an endless loop": (
        rc(f"while true; do\n sleep 60\ndone\n{LINE}\n"), ("loop in line 2 never ends",)
    ),
    "behind sleep infinity": (rc(f"sleep infinity\n{LINE}\n"), ("does not end",)),
    "case of another word": (rc(f"case $1 in stop) {LINE};; esac\n"), ("`case`",)),
    "function that nothing calls": (rc(f"f() {{\n{LINE}\n}}\n"), ("nothing calls",)),
    "subshell": (rc(f"({LINE})\n"), ("shell of its own",)),
    "background": (rc(f"{LINE} &\n"), ("shell of its own",)),
    "pipeline": (rc(f"{LINE} | logger\n"), ("shell of its own",)),
    "sh -c": (rc(f"sh -c '{LINE}'\n"), ("shell of its own",)),
    "behind a return": (
        rc(f"f() {{\n  return 0\n  {LINE}\n}}\nf\n"), (f"{RC}:4", "`return 0` in line 3")
    ),
    "behind its own end": (rc(f"kill $$\n{LINE}\n"), ("ends itself in line 2",)),
    "behind a folder that is not there": (
        rc(f"cd /opt/gone || exit 1\n{LINE}\n"), ("`exit 1` in line 2",)
    ),
    "in words to print": (rc(f"echo {LINE}\n"), ("no file sets it",)),
    "for another word": (rc(f'[ "$1" = stop ] && {LINE}\n'), ("`&&`",)),
    "on the line of an exit": (rc(f"exit 0; {LINE}\n"), (f"{RC}:2", "`exit 0`")),
    "a folder that is not there": (rc(f"[ -d /opt/gone ] && {LINE}\n"), ("`&&`",)),
    "rc-local.service as another user": (
        {"texts": {RC: f"{HEAD}{LINE}\n",
                   f"{ETC}/rc-local.service.d/u.conf": "[Service]\nUser=dpvs\n"}},
        ("runs as dpvs",),
    ),
    "rc-local.service starts another script": (
        {"texts": {RC: f"{HEAD}{LINE}\n", "/opt/boot.sh": HEAD,
                   f"{ETC}/rc-local.service.d/u.conf":
                   "[Service]\nExecStart=\nExecStart=/opt/boot.sh\n"}},
        ("the boot runs /opt/boot.sh",),
    ),
    "set -e": (rc(f"set -e\nfalse\n{LINE}\n"), ("`set -e`", "line 3")),
    "a syntax error before": (rc(f"if [ 1\n{LINE}\n"), (f"{RC}:",)),
    "an if without its end": (
        rc(f"if [ -e /etc/passwd ]; then\n{LINE}\n"), (f"{RC}:3", "stops at a mistake in line 2")
    ),
    "behind a quote without its end": (rc(f"echo 'a\n{LINE}\n"), ("stops at a mistake",)),
    "file size": (rc("ulimit 655350\n"), ("without -n",)),
    "hard alone": (rc("ulimit -Hn 655350\n"), ("hard limit alone",)),
    "soft above hard": (rc("ulimit -Sn 655350\n"), ("above the hard one, 4096",)),
    "unlimited": (rc("ulimit -n unlimited\n"), ("fs.nr_open",)),
    "too little": (rc("ulimit -n 65535\n"), ("sets 65535",)),
    "mistyped number": (rc("ulimit -n 65535O\n"), ("is no number",)),
    "overridden": (rc(f"{LINE}\nulimit -n 1024\n"), ("overridden", f"{RC}:3")),
    "more than nr_open": (
        {"texts": {RC: HEAD + LINE + "\n", "/etc/sysctl.d/90.conf": "fs.nr_open = 65536\n"}},
        ("fs.nr_open, 65536",),
    ),
    "not executable": (rc(f"{LINE}\n", modes={RC: 0o644}), ("chmod +x",)),
    "no #!": ({"texts": {RC: f"{LINE}\n"}, "modes": {RC: 0o755}}, ("no `#!/bin/sh`",)),
    "carriage return": (
        {"texts": {RC: f"#!/bin/bash\r\n{LINE}\r\n"}}, ("carriage return",)
    ),
    "no shell": ({"texts": {RC: f"#!/bin/false\n{LINE}\n"}}, ("which is no shell",)),
    "no rc-local.service": (
        rc(f"{LINE}\n", modes={f"{SYSTEM}/rc-local.service": 0}), ("there is no rc-local.service",)
    ),
    "rc-local.service masked": (
        rc(f"{LINE}\n", links={f"{ETC}/rc-local.service": "/dev/null"}), ("is masked",)
    ),
    "rescue target": (
        rc(f"{LINE}\n", links={f"{ETC}/default.target": "/lib/systemd/system/rescue.target"}),
        ("rescue.target",),
    ),
    "the link is a file of its own": (
        {"texts": {"/etc/rc.local": f"{HEAD}{LINE}\n"},
         "links": {"/etc/rc.local": "/etc/rc.local"}},
        (f"the boot runs {RC}",),
    ),
    "another user": (
        etc("/etc/security/limits.conf", "dpvs - nofile 655350\n"), ("it is for dpvs", "root")
    ),
    "another domain": (
        etc("/etc/security/limits.conf", "@dpvs - nofile 655350\n"), ("it is for @dpvs",)
    ),
    "wildcard on Debian": (
        {"texts": {"/etc/security/limits.conf": "* - nofile 655350\n",
                   "/etc/os-release": DEBIAN}},
        ("leaves root out",),
    ),
    "commented limit": (
        etc("/etc/security/limits.conf", "#root - nofile 655350\n"), ("is a comment",)
    ),
    "soft above hard in limits": (
        etc("/etc/security/limits.conf",
            "root soft nofile 655350\nroot hard nofile 65536\n"),
        ("cut down to the hard one, 65536", "limits.conf:1"),
    ),
    "soft alone": (
        etc("/etc/security/limits.conf", "root soft nofile 655350\n"), ("the hard one, 4096",)
    ),
    "hard alone in limits": (
        etc("/etc/security/limits.conf", "root hard nofile 655350\n"), ("hard limit alone",)
    ),
    "overridden by limits.d": (
        {"texts": {"/etc/security/limits.conf": "root - nofile 655350\n",
                   "/etc/security/limits.d/20.conf": "root - nofile 4096\n"}},
        ("limits.d/20.conf:1", "comes later"),
    ),
    "overridden by a later of limits.d": (
        {"texts": {"/etc/security/limits.d/10.conf": "root - nofile 655350\n",
                   "/etc/security/limits.d/20.conf": "root soft nofile 4096\n"}},
        ("limits.d/20.conf:1", "comes later"),
    ),
    "limits.d of another name": (
        etc("/etc/security/limits.d/dpvs", "root - nofile 655350\n"), ("no file sets it",)
    ),
    "no pam_limits": (
        {"texts": {"/etc/security/limits.conf": "root - nofile 655350\n",
                   "/etc/pam.d/password-auth": "#session required pam_limits.so\n"}},
        ("pam_limits",),
    ),
    "unit is started with less": (
        etc(f"{ETC}/dpvs.service", UNIT.replace("655350", "1024"), links=WANTED),
        ("starts dpvs with 1024",),
    ),
    "unit is started, and rc.local has it": (
        {"texts": {f"{ETC}/dpvs.service": UNIT.replace("LimitNOFILE=655350\n", ""),
                   RC: f"{HEAD}{LINE}\n"}, "links": WANTED},
        ("starts dpvs with 1024", "LimitNOFILE=655350"),
    ),
    "unit is started, and limits.conf has it": (
        {"texts": {f"{ETC}/dpvs.service": UNIT.replace("LimitNOFILE=655350\n", ""),
                   "/etc/security/limits.conf": "root - nofile 655350\n"}, "links": WANTED},
        ("starts dpvs with 1024",),
    ),
    "a drop-in takes it back": (
        {"texts": {f"{ETC}/dpvs.service": UNIT,
                   f"{ETC}/dpvs.service.d/90.conf": "[Service]\nLimitNOFILE=4096\n"},
         "links": WANTED},
        ("starts dpvs with 4096",),
    ),
    "a drop-in in the wrong section": (
        {"texts": {f"{ETC}/dpvs.service": UNIT.replace("LimitNOFILE=655350\n", ""),
                   f"{ETC}/dpvs.service.d/90.conf": "[Unit]\nLimitNOFILE=655350\n"},
         "links": WANTED},
        ("starts dpvs with 1024",),
    ),
    "behind the start in rc.local": (
        rc(f"{DPVS} &\n{LINE}\n"), (f"{RC}:2", "starts dpvs with 1024")
    ),
    "behind a dpvs in the foreground": (
        rc(f"{DPVS}\n{LINE}\n"), ("starts dpvs with 1024",)
    ),
    "systemd's default too low": (
        etc("/etc/systemd/system.conf", "[Manager]\nDefaultLimitNOFILE=65536\n"), ("sets 65536",)
    ),
    "systemd's default overridden": (
        {"texts": {"/etc/systemd/system.conf": "[Manager]\nDefaultLimitNOFILE=655350\n",
                   "/etc/systemd/system.conf.d/9.conf": "[Manager]\nDefaultLimitNOFILE=1024\n"}},
        ("system.conf.d/9.conf:2",),
    ),
    "ulimit in a unit": (
        etc(f"{ETC}/lim.service", f"[Service]\nExecStart={LINE}\n",
            links={f"{ETC}/multi-user.target.wants/lim.service": f"{ETC}/lim.service"}),
        ("LimitNOFILE=",),
    ),
    "a script without x": (
        {"texts": {RC: f"{HEAD}. /opt/gone.sh\n/opt/boot.sh\n", "/opt/boot.sh": f"{HEAD}{LINE}\n"},
         "modes": {"/opt/boot.sh": 0o644}},
        ("/opt/boot.sh is not executable",),
    ),
}  # fmt: skip

RIGHT: dict[str, dict[str, Any]] = {
    "rc.local": rc(f"{LINE}\n"),
    "in front of exit": rc(f"{LINE}\nexit 0\n"),
    "between": rc(f"touch /x\n{LINE}\n[ -f /nope ] && exit 1\nexit 0\n"),
    "an exit that may not come": rc(f"grep -q x /proc/cmdline && exit 0\n{LINE}\n"),
    "in a function that is called": rc(f"lim() {{\n {LINE}\n}}\nlim\n"),
    "behind && of a command": rc(f"touch /x && {LINE}\n"),
    "by a function's argument": rc("lim() {\n ulimit -n $1\n}\nlim 655350\n"),
    "behind a guard that may fail": rc(f"die() {{ exit 1; }}\nmodprobe uio || die\n{LINE}\n"),
    "its output elsewhere": rc(f"exec >/var/log/rc.log 2>&1\n{LINE}\n"),
    "started in a shell of its own": rc(f"(\n{LINE}\n{DPVS} &\n) &\n"),
    "behind a function that returns": rc(f"f() {{\n return 0\n}}\nf\n{LINE}\nexit 0\n"),
    "in braces": rc(f"{{ {LINE}; }}\n"),
    "with both flags": rc("ulimit -SHn 655350\n"),
    "by a variable": rc("FILES=655350\nulimit -n $FILES\n"),
    "more": rc("ulimit -n 1048576\n"),
    "case start": rc(f"case $1 in start) {LINE};; esac\n"),
    "sourced": {"texts": {RC: f"{HEAD}. /opt/boot.sh\n", "/opt/boot.sh": f"{LINE}\n"}},
    "subshell exits": rc(f"(exit 1)\n{LINE}\n"),
    "exit in a heredoc": rc(f"cat <<E\nexit 0\nE\n{LINE}\n"),
    "exit in quotes": rc(f"echo '\nexit 0\n'\n{LINE}\n"),
    "/bin/sh": {"texts": {RC: f"#!/bin/sh -e\n{LINE}\n"}},
    "root in limits": etc("/etc/security/limits.conf", "root - nofile 655350\n"),
    "root in limits, both": etc(
        "/etc/security/limits.d/9.conf", "root soft nofile 655350\nroot hard nofile 655350\n"
    ),
    "wildcard on CentOS": etc("/etc/security/limits.conf", "* - nofile 655350\n"),
    "unlimited in limits": etc("/etc/security/limits.conf", "root - nofile unlimited\n"),
    "an earlier one is lower": {"texts": {
        "/etc/security/limits.conf": "root - nofile 1024\n",
        "/etc/security/limits.d/90.conf": "root - nofile 655350\n"}},
    "a wildcard later": {"texts": {
        "/etc/security/limits.conf": "root - nofile 655350\n",
        "/etc/security/limits.d/90.conf": "* - nofile 1024\n"}},
    "unit": etc(f"{ETC}/dpvs.service", UNIT, links=WANTED),
    "unit that is not enabled": etc(f"{ETC}/dpvs.service", UNIT),
    "unit with a drop-in": {"texts": {
        f"{ETC}/dpvs.service": UNIT.replace("LimitNOFILE=655350\n", ""),
        f"{ETC}/dpvs.service.d/l.conf": "[Service]\nLimitNOFILE=655350\n"}, "links": WANTED},
    "unit by infinity": etc(
        f"{ETC}/dpvs.service", UNIT.replace("655350", "infinity"), links=WANTED),
    "unit with a script": {"texts": {
        f"{ETC}/dpvs.service": UNIT.replace(DPVS, "/opt/start.sh").replace("655350", "1024"),
        "/opt/start.sh": f"{HEAD}{LINE}\nexec {DPVS}\n"}, "links": WANTED},
    "systemd's default": etc("/etc/systemd/system.conf", "[Manager]\nDefaultLimitNOFILE=655350\n"),
    "in front of the start": rc(f"{LINE}\n{DPVS} &\n"),
    "the start by nohup": rc(f"{LINE}\nnohup setsid {DPVS} -- -l 0 >/dev/null 2>&1 &\n"),
    "started by systemctl": {"texts": {
        RC: f"{HEAD}systemctl start dpvs\n", f"{ETC}/dpvs.service": UNIT}},
}  # fmt: skip


@pytest.mark.parametrize(("machine", "words"), WRONG.values(), ids=WRONG)
def test_a_limit_without_effect_is_seen_and_told(
    machine: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = lasting.open_files(booted(**machine), 655350)
    assert not answer.holds, str(answer)
    for word in words:
        assert word in str(answer)


@pytest.mark.parametrize("machine", RIGHT.values(), ids=RIGHT)
def test_each_right_way_of_the_limit_counts(machine: dict[str, Any]) -> None:
    answer = lasting.open_files(booted(**machine), 655350)
    assert answer.holds, str(answer)


def test_a_machine_without_systemd_runs_rc_local() -> None:
    one = {**CENTOS, RC: f"{HEAD}{LINE}\n"}
    del one[f"{SYSTEM}/rc-local.service"]
    machine = booted(one, modes={f"{SYSTEM}/rc-local.service": 0}, systemd=False)
    assert lasting.open_files(machine, 655350).holds


@pytest.mark.parametrize(
    "text",
    [
        "echo " + "{a,b}" * 40 + "\n",
        "f() {\n f\n}\nf\n",
        ". /etc/rc.d/rc.local\n",
        "for a in {1..60}; do for b in {1..60}; do for c in {1..60}; do :; done; done; done\n",
        "(" * 500 + ")" * 500 + "\n",
    ],
    ids=["braces", "recursion", "itself", "loops", "depth"],
)
def test_a_script_without_end_is_read_in_time(text: str) -> None:
    assert not lasting.open_files(booted({RC: HEAD + text}), 655350).holds
