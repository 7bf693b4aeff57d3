"""The agent as one text that a host's python3 runs from standard input."""

from __future__ import annotations

import functools
import json
from pathlib import Path

PACKAGE = "dpvs_station"
MODULES = (
    *("wire", "patterns", "capturing", "neighbours", "datagrams", "toa_server", "tls", "backend"),
    *("octets", "background", "serving", "loading", "traffic", "main"),
)

# The host's interpreter reads exactly this many bytes, so the rest of standard input is left for
# the agent. -I -S: the host's own Python configuration is ignored.
_BOOT = (
    "import os\n"
    "text = b''\n"
    "while len(text) < {length}:\n"
    "    part = os.read(0, {length} - len(text))\n"
    "    if not part: raise SystemExit('the station was not sent in full')\n"
    "    text += part\n"
    "exec(text)"
)
_LOADER = """
import sys, types
def _load(sources):
    package = types.ModuleType({package!r})
    package.__path__ = []
    sys.modules[{package!r}] = package
    for name, source in sources:
        full = {package!r} + "." + name
        module = types.ModuleType(full)
        module.__package__ = {package!r}
        sys.modules[full] = module
        exec(compile(source, name + ".py", "exec"), module.__dict__)
        setattr(package, name, module)
    return package
_load({sources}).main.run()
"""


@functools.cache
def script() -> bytes:
    """The complete agent: creates its modules in memory, then calls ``main.run()``."""
    here = Path(__file__).parent
    sources = [[name, (here / f"{name}.py").read_text()] for name in MODULES]
    # JSON of ASCII strings and lists is also a Python literal.
    return _LOADER.format(package=PACKAGE, sources=json.dumps(sources)).encode()


@functools.cache
def boot_command() -> str:
    """The shell command that starts the agent; ``script()`` must be sent first."""
    return f'exec python3 -I -S -u -c "{_BOOT.format(length=len(script()))}"'
