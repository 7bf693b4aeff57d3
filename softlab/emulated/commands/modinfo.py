"""modinfo: what a module's file says of itself."""

import sys
from pathlib import Path

from .module_files import find, read


def main(arguments: list[str]) -> int:
    wanted, names = None, []
    rest = iter(arguments)
    for one in rest:
        if one in ("-F", "--field"):
            wanted = next(rest, "")
        elif one.startswith("--field="):
            wanted = one.partition("=")[2]
        elif one.startswith("-F"):
            wanted = one[2:]
        elif one in ("-n", "--filename"):
            wanted = "filename"
        elif one.startswith("-"):
            print(f"modinfo: {one} is not emulated", file=sys.stderr)
            return 1
        else:
            names.append(one)
    if not names:
        print("modinfo: ERROR: missing module or filename.", file=sys.stderr)
        return 1
    return max(_tell(name, wanted) for name in names)


def _tell(name: str, wanted: str | None) -> int:
    path = Path(name) if "/" in name or name.endswith(".ko") else find(name)
    if path is None:
        print(f"modinfo: ERROR: Module {name} not found.", file=sys.stderr)
        return 1
    try:
        fields = read(path)
    except OSError:
        print(f"modinfo: ERROR: Module {name} not found.", file=sys.stderr)
        return 1
    if not fields:
        text = f"modinfo: ERROR: could not get modinfo from '{path.stem}': Invalid argument"
        print(text, file=sys.stderr)
        return 1
    for line in (f"filename={path.absolute()}", *fields):
        key, _, value = line.partition("=")
        if wanted is None:
            print(f"{key + ':':<15} {value}")
        elif key == wanted:
            print(value)
    return 0
