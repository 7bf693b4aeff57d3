"""Loads YAML into a model, with errors that name file, line and key.

Uses the safe loader. Duplicate keys, anchors and aliases are errors: in a declaration, every value
stands where it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dpvs_acceptance.model.wording import Key, KeyedError, limited, sentences_of

__all__ = ["DeclarationError", "Key", "KeyedError", "load_model", "load_yaml"]

Model = TypeVar("Model", bound=BaseModel)

# libyaml's parser if available: as safe, and ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_DEPTH = {
    yaml.SequenceStartEvent: 1,
    yaml.MappingStartEvent: 1,
    yaml.SequenceEndEvent: -1,
    yaml.MappingEndEvent: -1,
}


class DeclarationError(Exception):
    """A topology, bench, requirement or waiver file that cannot be used.

    The message is one line per problem, each `file:line: key: what is wrong`.
    """


def load_model(path: Path, model: type[Model]) -> Model:
    """The file at `path` as `model`; raises DeclarationError with file, line and key."""
    data, lines = load_yaml(path)
    if not isinstance(data, dict):
        raise DeclarationError(
            f"{path}:1: expected a mapping of keys at the top, found {_kind(data)}"
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = sentences_of(path, lines, error, model)
        raise DeclarationError(limited(problems)) from None


def load_yaml(path: Path) -> tuple[Any, dict[Key, int]]:
    """The data of a YAML file, and the line (from 1) of each key path in it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DeclarationError(f"{path}: larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DeclarationError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: cannot be read: {error}") from None
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_LOADER):
            depth += _DEPTH.get(type(event), 0)
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise DeclarationError(f"{path}:{line}: nested deeper than {MAX_DEPTH} levels")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise DeclarationError(f"{path}:{line}: anchors and aliases are not supported")
        node = yaml.compose(text, Loader=_LOADER)
        lines: dict[Key, int] = {}
        numbers: list[str] = []
        if node is not None:
            _record(path, node, (), lines, numbers)
        if numbers:
            raise DeclarationError(limited(numbers))
        return yaml.load(text, Loader=_LOADER), lines  # noqa: S506 - a safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}" if mark else ""
        raise DeclarationError(f"{path}{where}: not YAML: {error.problem}") from None
    # A tagged value such as `!!timestamp x` makes PyYAML raise other exceptions than its own.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from None


def _record(
    path: Path, node: yaml.Node, key: Key, lines: dict[Key, int], numbers: list[str]
) -> None:
    lines.setdefault(key, node.start_mark.line + 1)
    if node.tag in _NUMBERS and isinstance(node, yaml.ScalarNode) and ":" in node.value:
        # YAML 1.1 takes a MAC or a PCI address of digits for a number to the base of 60.
        where = f"{path}:{node.start_mark.line + 1}: {'.'.join(map(str, key))}"
        numbers.append(f'{where}: must be quoted: "{node.value}"')
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise DeclarationError(f"{path}:{line}: a key must be a plain scalar")
            if name.value in seen:
                raise DeclarationError(f"{path}:{line}: key {name.value!r} is given twice")
            seen.add(name.value)
            lines[(*key, name.value)] = line
            _record(path, value, (*key, name.value), lines, numbers)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _record(path, value, (*key, index), lines, numbers)


def _kind(data: Any) -> str:
    return "nothing" if data is None else type(data).__name__
