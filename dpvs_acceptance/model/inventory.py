"""Names of hosts in a file: one per line, or a group of an Ansible inventory. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_RANGE = re.compile(r"\[(?:(?P<a>\d+):(?P<b>\d+)|(?P<c>[a-z]):(?P<d>[a-z]))\]")
_SECTION = re.compile(r"^\[(?P<group>[^\[\]:]+)(?::(?P<kind>children|vars))?\]$")
ALL = "all"
Groups = dict[str, tuple[list[str], list[str]]]
"""Group to its own hosts and to its child groups."""


class InventoryError(ValueError):
    """One sentence: what of the file cannot be used, and where."""


def listed(text: str) -> list[str]:
    """A name per line; `#` begins a comment. Each name once."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return list(dict.fromkeys(name for line in lines if line for name in expanded(line)))


def of_group(text: str, group: str) -> list[str]:
    """The hosts of a group and of its children, in the order of the file, each once.

    Variables are ignored: how a host is reached is in its bench file and in ~/.ssh/config.
    Raises InventoryError.
    """
    groups = _from_yaml(text) if _is_yaml(text) else _from_ini(text)
    if group not in groups:
        raise InventoryError(f"no group {group}. There are: {', '.join(sorted(groups)) or 'none'}")
    found = list(dict.fromkeys(_hosts(groups, group, ())))
    if not found:
        raise InventoryError(f"group {group} has no hosts")
    return found


def expanded(pattern: str) -> Iterator[str]:
    """`lb[01:03]` as lb01, lb02, lb03, as Ansible writes ranges."""
    found = _RANGE.search(pattern)
    if found is None:
        yield pattern
        return
    if found["a"]:
        width = len(found["a"])
        middle = [f"{n:0{width}}" for n in range(int(found["a"]), int(found["b"]) + 1)]
    else:
        middle = [chr(n) for n in range(ord(found["c"]), ord(found["d"]) + 1)]
    for one in middle:
        yield from expanded(pattern[: found.start()] + one + pattern[found.end() :])


def _hosts(groups: Groups, group: str, above: tuple[str, ...]) -> Iterator[str]:
    if group in above:
        raise InventoryError(f"group {group} is its own child")
    own, children = groups.get(group, ([], []))
    yield from own
    for child in children:
        yield from _hosts(groups, child, (*above, group))


def _is_yaml(text: str) -> bool:
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first == "---" or first.endswith(":")


def _from_ini(text: str) -> Groups:
    groups: Groups = {ALL: ([], []), "ungrouped": ([], [])}
    group, kind = "ungrouped", ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        section = _SECTION.match(line)
        if section is not None:
            group, kind = section["group"], section["kind"] or ""
            groups.setdefault(group, ([], []))
        elif line.startswith("["):
            raise InventoryError(f"line {number}: {line}: not a section such as [loadbalancers]")
        elif kind == "children":
            groups[group][1].append(line)
        elif not kind:
            try:
                name = shlex.split(line, comments=True)[0]
            except ValueError as error:
                raise InventoryError(f"line {number}: {line}: {error}") from None
            groups[group][0].extend(expanded(name))
    groups[ALL][1].extend(name for name in groups if name != ALL)
    return groups


def _from_yaml(text: str) -> Groups:
    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        said = str(error).replace("\n", " ")
        raise InventoryError(f"not YAML: {said}") from None
    groups: Groups = {}
    _read_groups(plain, groups)
    if ALL not in groups:
        groups[ALL] = ([], list(groups))
    return groups


def _read_groups(plain: Any, groups: Groups) -> None:
    if not isinstance(plain, Mapping):
        raise InventoryError("expected groups with `hosts:` or `children:`")
    for name, body in plain.items():
        own, children = groups.setdefault(str(name), ([], []))
        body = body or {}
        if not isinstance(body, Mapping):
            raise InventoryError(f"group {name}: expected `hosts:` or `children:`")
        for host in body.get("hosts") or {}:
            own.extend(expanded(str(host)))
        below = body.get("children") or {}
        children.extend(str(child) for child in below)
        _read_groups(below, groups)
