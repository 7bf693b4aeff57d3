"""rmmod: modules out of the kernel."""

import sys
from pathlib import Path

from .daemon_client import ask, fail


def main(arguments: list[str]) -> int:
    names = [one for one in arguments if not one.startswith("-")]
    if not names:
        fail("rmmod: ERROR: missing module name.")
    status = 0
    for given in names:
        name = Path(given).name.removesuffix(".ko").replace("-", "_")
        if Path("/sys/module", name).is_dir() and not Path("/sys/module", name, "refcnt").exists():
            print(f"rmmod: ERROR: Module {name} is builtin.", file=sys.stderr)
            status = 1
            continue
        answer = ask("rmmod", name=name)
        if "error" in answer:
            print(f"rmmod: ERROR: {answer['error']}", file=sys.stderr)
            status = 1
    return status
