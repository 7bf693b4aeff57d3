"""`python -m benchmarks.house`: counts of the source tree, each with its goal (`make house`).

Nothing of the project is run but the catalogue of faults, which is read. The test of the
architecture holds the counts that have reached their goal (`HELD`).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dpvs_acceptance", "fixtures", "reports", "suites", "softlab", "faults", "benchmarks")
LONGEST_FILE = 350
MOST_ARGUMENTS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """`find` gives what is counted, a line each; `goal` is an upper bound, or with `least` a lower.

    before: the count at bdc09e5, to compare with.
    """

    name: str
    before: int
    goal: int
    find: Callable[[], list[str]]
    least: bool = False

    @property
    def reached(self) -> bool:
        count = len(self.find())
        return count >= self.goal if self.least else count <= self.goal


def tracked_lines(ending: str = "") -> int:
    """Lines of all tracked files, or of those whose names end so."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    there = [ROOT / name for name in listed if name.endswith(ending) and (ROOT / name).is_file()]
    return sum(path.read_bytes().count(b"\n") for path in there)


@cache
def modules(folder: str) -> Mapping[Path, ast.Module]:
    """The Python files of a folder, parsed."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    kept = [path for path in paths if "runs" not in path.relative_to(ROOT).parts]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in kept}


def _place(path: Path, node: ast.stmt | None = None) -> str:
    return f"{path.relative_to(ROOT)}" + (f":{node.lineno}" if node is not None else "")


def _checks(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def checks_with_many_arguments() -> list[str]:
    """Checks that take more than five fixtures and parameters."""
    return [
        f"{_place(path, check)} {check.name}: {count} arguments"
        for path, tree in modules("suites").items()
        for check in _checks(tree)
        if (count := len(check.args.args) + len(check.args.kwonlyargs)) > MOST_ARGUMENTS
    ]


def wrapper_checks() -> list[str]:
    """Checks that only call a function of their file which another check only calls as well."""
    found = []
    for path, tree in modules("suites").items():
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        callers = defaultdict(list)
        for check in _checks(tree):
            if (called := _only_call(check)) in own:
                callers[called].append(f"{_place(path, check)} {check.name} calls {called}")
        found += [line for lines in callers.values() if len(lines) > 1 for line in lines]
    return found


def _only_call(check: ast.FunctionDef) -> str:
    """The function that is all of a check's body, without its docstring; empty for none."""
    body = [one for one in check.body if not _is_docstring(one) and not isinstance(one, ast.Delete)]
    if len(body) != 1 or not isinstance(body[0], ast.Expr | ast.Return):
        return ""
    call = body[0].value
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        return call.func.id
    return ""


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def files_of_fixtures() -> list[str]:
    return [_place(path) for path in modules("fixtures")]


def class_names_that_stand_twice() -> list[str]:
    """Classes of one name. softlab repeats some on purpose: it is the second implementation."""
    places = defaultdict(list)
    for folder in ("dpvs_acceptance", "fixtures", "reports"):
        for path, tree in modules(folder).items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(_place(path, node))
    return [f"{name}: {', '.join(found)}" for name, found in places.items() if len(found) > 1]


def modules_in_circles(*folders: str) -> list[str]:
    """Modules that import themselves by way of others of their top-level package.

    Imports for annotations alone count: a circle of names is one for the reader as well.
    """
    return [name for folder in folders for name in _in_circles(folder)]


def _in_circles(folder: str) -> list[str]:
    uses = {_module(path): set(_names(path, tree)) for path, tree in modules(folder).items()}
    above = {
        name: {one if one in uses else one.rpartition(".")[0] for one in used} & set(uses) - {name}
        for name, used in uses.items()
    }
    return sorted(name for name in above if name in _reached(above, name))


def _reached(above: Mapping[str, set[str]], start: str) -> set[str]:
    """All modules that this one imports, by however many steps."""
    found: set[str] = set()
    ahead = set(above[start])
    while ahead:
        found |= ahead
        ahead = set().union(*(above[name] for name in ahead)) - found
    return found


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(path: Path, tree: ast.Module) -> Iterator[str]:
    """What a module imports, with the names that it takes from other modules."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def faults_of_a_build() -> list[str]:
    """Faults that any DPVS can have on fnat-two-arm: made by the hosts' tools or on the wire."""
    from faults.loading import load_faults

    here = ("", "fnat-two-arm")
    return [f.name for f in load_faults() if f.kind != "simulated" and f.topology in here]


def long_files() -> list[str]:
    return [
        f"{_place(path)}: {lines} lines"
        for folder in (*PACKAGES, "tests")
        for path in modules(folder)
        if (lines := path.read_bytes().count(b"\n")) > LONGEST_FILE
    ]


MEASURES = (
    Measure("checks with six or more arguments", 26, 0, checks_with_many_arguments),
    Measure("checks that only wrap a shared body", 34, 0, wrapper_checks),
    Measure("files in fixtures/", 47, 30, files_of_fixtures),
    Measure("class names that stand twice", 31, 0, class_names_that_stand_twice),
    Measure("modules in circles, dpvs_acceptance", 8, 0, partial(modules_in_circles, PACKAGES[0])),
    Measure("modules in circles, elsewhere", 36, 0, partial(modules_in_circles, *PACKAGES[1:])),
    Measure("faults that a build can have", 125, 180, faults_of_a_build, least=True),
    Measure(f"files over {LONGEST_FILE} lines", 12, 0, long_files),
)
HELD = (
    "checks with six or more arguments",
    "checks that only wrap a shared body",
    "class names that stand twice",
    "modules in circles, dpvs_acceptance",
    "modules in circles, elsewhere",
    "faults that a build can have",
)
"""What has reached its goal, and stays there."""
LINES_BEFORE = {"": 100_072, ".py": 79_633}


def table() -> Iterator[str]:
    yield f"{'':<40} {'bdc09e5':>8} {'now':>8} {'goal':>8}"
    for ending, before in LINES_BEFORE.items():
        name = f"lines of tracked files{' of Python' if ending else ''}"
        yield f"{name:<40} {before:>8} {tracked_lines(ending):>8}"
    for one in MEASURES:
        mark = "held" if one.name in HELD else "reached" if one.reached else ""
        goal = f"{'>=' if one.least else '<='} {one.goal}"
        yield f"{one.name:<40} {one.before:>8} {len(one.find()):>8} {goal:>8} {mark}".rstrip()


def main(words: list[str]) -> int:
    """With `-v` what is counted as well, a line each."""
    for line in table():
        print(line)
    for one in MEASURES if words == ["-v"] else ():
        if not one.least and one.find():
            print(f"\n{one.name}:")
            for line in one.find():
                print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
