"""`python -m dpvs_acceptance check-conf FILE`, `… explain LOG`: a user's own files, no bench.

Exit status: 0 nothing found, 1 something found, 3 wrong usage or no such file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dpvs_acceptance.dpvs.conf import ConfError, check, parse
from dpvs_acceptance.dpvs.diagnosis import diagnose
from dpvs_acceptance.dpvs.versions import Version

FOUND, USAGE = 1, 3
COMMANDS = {
    "check-conf": "what DPVS would refuse, replace or misread in a dpvs.conf",
    "explain": "what the known lines of a log of DPVS, of its start or of dmesg mean",
}


class _FilesParser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> int:
    """One of the two commands; its exit status."""
    parser = _FilesParser(prog="python -m dpvs_acceptance")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_FilesParser)
    checking = commands.add_parser("check-conf", help=COMMANDS["check-conf"])
    checking.add_argument("file", help="a dpvs.conf, or - for stdin")
    checking.add_argument(
        "--version", type=_version, help="of DPVS, such as 1.9.10: are all keywords known to it?"
    )
    checking.add_argument("--ports", type=int, metavar="N", help="number of DPDK ports")
    checking.add_argument(
        "--lcores", type=_numbers, metavar="LIST", help="lcores of EAL, such as 0-8 or 0,2,4"
    )
    explaining = commands.add_parser("explain", help=COMMANDS["explain"])
    explaining.add_argument("file", help="a log, or - for stdin")
    options = parser.parse_args(arguments)
    try:
        text = _text(options.file)
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return USAGE
    if options.command == "explain":
        return _explain(text)
    return _check(options, text)


def _text(file: str) -> str:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return data.decode("utf-8", "replace")


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no version such as 1.9.10") from None


def _numbers(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()) or len(part) > 11:
            raise argparse.ArgumentTypeError(f"{text!r} is no list such as 0-8 or 0,2,4")
        if int(last or first) >= _MOST_LCORES:
            raise argparse.ArgumentTypeError(f"{text!r}: lcores are below {_MOST_LCORES}")
        found |= {*range(int(first), int(last or first) + 1)}
    return frozenset(found)


def _check(options: argparse.Namespace, text: str) -> int:
    name = "dpvs.conf" if options.file == "-" else options.file
    try:
        problems = check(
            parse(text, name), version=options.version, ports=options.ports, lcores=options.lcores
        )
    except ConfError as error:
        print(error)
        return FOUND
    for problem in problems:
        print(f"{'error' if problem.fatal else 'warning'}: {problem}")
    if not problems:
        print(f"{name}: nothing found")
    for option, words in _NEEDS.items():
        if getattr(options, option) is None:
            print(f"not checked without --{option}: {words}")
    return FOUND if problems else 0


_NEEDS = {
    "version": "whether DPVS knows each keyword",
    "ports": "the number of device blocks",
    "lcores": "the cpu_id of each worker",
}
_MOST_LCORES = 1 << 16


def _explain(text: str) -> int:
    lines = text.splitlines()
    findings = diagnose(lines, normal=True)
    for one in findings:
        times = f" ({one.times} times)" if one.times > 1 else ""
        print(f"line {one.line_number}{times}: {one.severity}: {one.meaning}")
        print(f"    {one.line}")
        print(f"    cause: {one.cause}")
        print(f"    look at: {one.look_at} ({one.source})")
    failures = [one for one in findings if one.severity in ("fatal", "error")]
    print(
        f"{len(lines)} lines: {len(failures)} known failures, "
        f"{len(findings) - len(failures)} other known lines"
    )
    return FOUND if failures else 0
