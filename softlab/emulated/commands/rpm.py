"""rpm -q: which packages are installed. Everything else of rpm is refused."""

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase

#: One package per line: name, version, release, architecture.
LIST = "/var/lib/rpm/packages"


@dataclass
class Package:
    name: str
    version: str
    release: str
    arch: str

    def labels(self) -> tuple[str, ...]:
        """Everything by which rpm -q knows it."""
        versioned = f"{self.name}-{self.version}"
        full = f"{versioned}-{self.release}"
        return (self.name, versioned, full, f"{full}.{self.arch}", f"{self.name}.{self.arch}")

    def formatted(self, form: str) -> str:
        tags = {
            "NAME": self.name,
            "VERSION": self.version,
            "RELEASE": self.release,
            "ARCH": self.arch,
            "EPOCH": "(none)",
            "NVRA": self.labels()[3],
        }
        text = re.sub(
            r"%(-?\d*)\{(\w+)\}",
            lambda match: _padded(tags.get(match[2].upper(), "(none)"), match[1]),
            form,
        )
        return text.replace("\\n", "\n").replace("\\t", "\t")


def _padded(text: str, width: str) -> str:
    if not width:
        return text
    return text.ljust(int(width[1:])) if width[0] == "-" else text.rjust(int(width))


def main(arguments: list[str]) -> int:
    form, every, quiet, query = "%{NVRA}\\n", False, False, False
    names: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one in ("--qf", "--queryformat"):
            form = next(rest, "")
        elif one.startswith(("--qf=", "--queryformat=")):
            form = one.partition("=")[2]
        elif one in ("-q", "--query", "-qa", "-aq", "-a", "--all", "--quiet"):
            query |= one in ("-q", "--query", "-qa", "-aq")
            every |= one in ("-qa", "-aq", "-a", "--all")
            quiet |= one == "--quiet"
        elif one.startswith("-"):
            print(f"rpm: {one}: only -q, -qa and --queryformat are emulated", file=sys.stderr)
            return 1
        else:
            names.append(one)
    if not query:
        print("rpm: no operation given: only -q and -qa are emulated", file=sys.stderr)
        return 1
    with open(LIST) as listing:  # noqa: PTH123
        installed = [Package(*line.split()) for line in listing]
    if every:
        chosen = [p for p in installed if not names or any(fnmatchcase(p.name, n) for n in names)]
        if not quiet:
            sys.stdout.write("".join(package.formatted(form) for package in chosen))
        return 0
    if not names:
        print("rpm: no arguments given for query", file=sys.stderr)
        return 1
    return sum(_query(name, installed, form, quiet) for name in names)


def _query(name: str, installed: list[Package], form: str, quiet: bool) -> int:
    found = [package for package in installed if name in package.labels()]
    if not quiet:
        text = "".join(package.formatted(form) for package in found)
        sys.stdout.write(text or f"package {name} is not installed\n")
    return 0 if found else 1
