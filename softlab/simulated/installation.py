"""What ``make install`` and the engineer's own hands leave on a DPVS host."""

from __future__ import annotations

import compileall
import json
import shutil
from pathlib import Path

from softlab.simulated import versions

HOME = "opt/dpvs"
TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived")
PACKAGE = Path(__file__).resolve().parent

# -S and -E: neither site packages nor the environment, so that a tool starts at once.
_LAUNCHER = """\
#!{python} -SE
import sys
sys.path.insert(0, "/opt")
from softlab.simulated.tools.{tool} import main
sys.exit(main(sys.argv))
"""


def install(root: Path, version: str) -> None:
    """See softlab.simulated.install."""
    if version not in versions.EMULATED:
        raise ValueError(f"DPVS {version} cannot be emulated; {', '.join(versions.EMULATED)} can")
    # Compiled once here: the hosts see the package read-only and would compile it at each start.
    compileall.compile_dir(PACKAGE, quiet=2)
    binaries = root / HOME / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    links = root / "usr/sbin"
    links.mkdir(parents=True, exist_ok=True)
    python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") or "/usr/bin/python3"
    for tool in TOOLS:
        launcher = binaries / tool
        launcher.write_text(_LAUNCHER.format(python=python, tool=tool), encoding="utf-8")
        launcher.chmod(0o755)
        link = links / tool
        link.unlink(missing_ok=True)
        link.symlink_to(f"/{HOME}/bin/{tool}")
    settings = root / versions.SETTINGS.lstrip("/")
    settings.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": version, "quirks": list[str]()}
    settings.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
