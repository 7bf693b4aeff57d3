"""modprobe: a module by its name with what it needs, or (-r) out again with what it needed."""

import os
import sys

from .daemon_client import ask, fail
from .module_files import find, read


def main(arguments: list[str]) -> int:
    flags = {one for one in arguments if one.startswith("-")}
    words = [one for one in arguments if not one.startswith("-")]
    known = {"-r", "--remove", "-a", "--all", "-v", "--verbose", "-q", "--quiet", "-n"}
    known |= {"--dry-run", "--first-time"}
    if flags - known:
        fail(
            f"modprobe: {sorted(flags - known)[0]} is not emulated; "
            f"known: {' '.join(sorted(known))}"
        )
    if not words:
        fail("modprobe: ERROR: missing parameters. See -h.")
    quiet = bool(flags & {"-q", "--quiet"})
    if flags & {"-r", "--remove"}:
        return max(_remove(name, flags) for name in words)
    if flags & {"-a", "--all"}:
        return max(_insert(name, [], flags, quiet) for name in words)
    return _insert(words[0], words[1:], flags, quiet)


def _loaded(name: str) -> bool:
    return os.path.isdir(f"/sys/module/{name.replace('-', '_')}")  # noqa: PTH112


def _not_found(name: str, quiet: bool) -> int:
    if not quiet:
        directory = f"/lib/modules/{os.uname().release}"
        text = f"modprobe: FATAL: Module {name} not found in directory {directory}"
        print(text, file=sys.stderr)
    return 1


def _insert(name: str, parameters: list[str], flags: set[str], quiet: bool) -> int:
    if _loaded(name):
        if "--first-time" in flags:
            text = f"modprobe: ERROR: could not insert '{name}': Module already in kernel"
            print(text, file=sys.stderr)
            return 1
        return 0
    path = find(name)
    if path is None:
        return _not_found(name, quiet)
    if flags & {"-v", "--verbose", "-n", "--dry-run"}:
        fields = dict(line.partition("=")[::2] for line in read(path))
        for needed in filter(None, fields.get("depends", "").split(",")):
            if not _loaded(needed):
                print(f"insmod {find(needed)} ")
        print(f"insmod {path} {' '.join(parameters)}")
    if flags & {"-n", "--dry-run"}:
        return 0
    answer = ask("modprobe", name=name, arguments=parameters)
    if "error" not in answer:
        return 0
    if answer["errno"] == "ENOENT":
        return _not_found(name, quiet)
    words = {"EINVAL": "Invalid argument", "ENOEXEC": "Exec format error"}
    text = words.get(answer["errno"], answer["error"])
    print(f"modprobe: ERROR: could not insert '{name}': {text}", file=sys.stderr)
    return 1


def _remove(name: str, flags: set[str]) -> int:
    if not _loaded(name):
        if find(name) is None:
            print(f"modprobe: FATAL: Module {name} not found.", file=sys.stderr)
            return 1
        if "--first-time" in flags:
            print(f"modprobe: FATAL: Module {name} is not in kernel.", file=sys.stderr)
            return 1
        return 0
    answer = ask("rmmod", name=name, unused=True)
    if "error" not in answer:
        return 0
    print(f"modprobe: FATAL: Module {name.replace('-', '_')} is in use.", file=sys.stderr)
    return 1
