"""dpvs: the daemon's command line (src/main.c)."""

from __future__ import annotations

import sys
from pathlib import Path

from softlab.simulated.quirks import Quirks
from softlab.simulated.tools import getopt
from softlab.simulated.tools.client import complain
from softlab.simulated.versions import BUILD_DATE, SETTINGS, Version, of_host

_LONG_OLD = {"version": (False, "v"), "help": (False, "h")}
_LONG = {
    **_LONG_OLD,
    "conf": (True, "c"),
    "pid-file": (True, "p"),
    "ipc-file": (True, "x"),
}
_EAL_WITH_VALUE = (
    "-l", "-c", "-n", "-m", "-a", "-w", "-b", "-r", "-d", "--lcores", "--main-lcore",
    "--master-lcore", "--file-prefix", "--socket-mem", "--socket-limit", "--huge-dir",
    "--log-level", "--vdev", "--allow", "--block", "--proc-type", "--iova-mode", "--base-virtaddr",
)  # fmt: skip


def _usage(version: Version) -> str:
    if version.options:
        lines = [
            "   -v, --version           display DPVS version info",
            "   -c, --conf FILE         specify config file for DPVS",
            "   -p, --pid-file FILE     specify pid file of DPVS process",
            "   -x, --ipc-file FILE     specify unix socket file for ipc communication between"
            " DPVS and Tools",
            "   -h, --help              display DPVS help info",
        ]
    else:
        lines = [
            "   -v  version     display DPVS version info",
            "   -h  help        display DPVS help info",
        ]
    return "\n".join(["", "Usage: dpvs DPVS application options:", *lines, ""])


def _eal(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """(options with their values, vdevs) of EAL's part of the command line."""
    options: dict[str, str] = {}
    vdevs: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, given, value = word.partition("=")
        if not name.startswith("--") and len(word) > 2:
            name, given, value = word[:2], "=", word[2:]
        if name in _EAL_WITH_VALUE and not given:
            value = left.pop(0) if left else ""
        if name == "--vdev":
            vdevs.append(value)
        else:
            options[name] = value
    return options, vdevs


def _quirks() -> Quirks:
    """The quirks of this host, from the file that the installation wrote."""
    import json

    file = Path(SETTINGS)
    if not file.exists():
        return Quirks()
    content = json.loads(file.read_text(encoding="utf-8"))
    return Quirks(frozenset(content.get("quirks", ())))


def main(argv: list[str]) -> int:
    """Start the device; does not return while it runs."""
    version = of_host()
    own = argv[1:]
    eal: list[str] = []
    if "--" in own:
        at = own.index("--")
        own, eal = own[:at], own[at + 1 :]
    long = _LONG if version.options else _LONG_OLD
    try:
        options, _ = getopt.parse(own, "vhc:p:x:" if version.options else "vh", long)
    except getopt.BadOptionError as bad:
        complain(f"dpvs: {bad.said}")
        sys.stdout.write(_usage(version))
        return 1
    files: dict[str, str] = {}
    for letter, value in options:
        if letter == "v":
            complain(f"dpvs version: {version.release}, build on {BUILD_DATE}")
            return 0
        if letter == "h":
            sys.stdout.write(_usage(version))
            return 0
        files[letter] = value
    return _start(version, files, eal)


def _start(version: Version, files: dict[str, str], eal: list[str]) -> int:
    from softlab.simulated import daemon, startup

    chosen = startup.Options(version)
    chosen.conf = files.get("c", chosen.conf)
    chosen.pid_file = files.get("p", chosen.pid_file)
    chosen.ipc_file = files.get("x", chosen.ipc_file)
    chosen.eal, chosen.vdevs = _eal(eal)
    chosen.pci = "--no-pci" not in chosen.eal
    if daemon.running(chosen.pid_file):
        complain("dpvs is already running")
        return 1
    daemon.run(startup.Startup(version, chosen, _quirks()))
    return 0
