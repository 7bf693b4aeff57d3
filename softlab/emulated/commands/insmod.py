"""insmod: one file into the kernel, with kmod's words for what goes wrong."""

from pathlib import Path

from .daemon_client import ask, fail
from .module_files import read

_WORDS = {
    "EEXIST": "File exists",
    "ENOEXEC": "Invalid module format",
    "ENOENT": "Unknown symbol in module",
    "EINVAL": "Invalid parameters",
    "EBUSY": "Device or resource busy",
}


def main(arguments: list[str]) -> int:
    arguments = [one for one in arguments if one not in ("-f", "-s")]
    if not arguments:
        fail("insmod: ERROR: missing filename.")
    name, *parameters = arguments
    try:
        fields = read(Path(name))
    except OSError as error:
        fail(f"insmod: ERROR: could not load module {name}: {error.strerror}")
    answer = ask("insmod", modinfo=fields, arguments=parameters)
    if "error" in answer:
        words = _WORDS.get(answer["errno"], answer["error"])
        fail(f"insmod: ERROR: could not insert module {name}: {words}")
    return 0
