"""The ways through a script: lists, branches and loops."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from dpvs_acceptance.observed.boot.command import MOST_COMMANDS, Command, line_of, said, text_of
from dpvs_acceptance.observed.boot.effects import COMMENT, Origin
from dpvs_acceptance.observed.boot.words import EXPANDED, UNKNOWN, braces, expand


@dataclass
class Walk(ABC):
    """Where a reader of a script is, and how it goes on. `dead`: why nothing more is reached."""

    path: str
    variables: dict[str, str] = field(default_factory=dict)
    found: list[Command] = field(default_factory=list)
    dead: str = ""
    instead: str = ""
    maybe: bool = False
    shell: tuple[int, ...] = ()
    background: bool = False
    broken: bool = False  # out of the loop that is being read

    @abstractmethod
    def statements(self, nodes: Sequence[Node]) -> int | None:
        """Read these in order; the last one's exit status, None where only the machine knows."""

    @abstractmethod
    def statement(self, node: Node) -> int | None:
        """Read one; its exit status."""

    @abstractmethod
    def command(self, node: Node, writes: tuple[str, ...], piped: str = "") -> int | None:
        """Read a simple command; its exit status."""

    def read_list(self, node: Node) -> int | None:
        first, operator, second = node.children[0], node.children[1].type, node.children[-1]
        status = self.statement(first)
        wanted = 0 if operator == "&&" else 1
        if status is None or self.dead:
            self.perhaps(lambda: self.statement(second))
            return None
        if status == wanted:
            return self.statement(second)
        self.never(
            lambda: self.statement(second),
            f"it stands behind `{operator}` in line {line_of(second)}, and what is before it "
            f"{'fails' if status else 'succeeds'}",
        )
        return status

    def read_pipeline(self, node: Node) -> int | None:
        parts = [child for child in node.children if child.is_named]
        before = self.shell
        status: int | None = 0
        given = ""
        for part in parts:
            self.shell = (*before, part.start_byte)
            if part.type == "command":
                status = self.command(part, (), given)
            else:
                status = self.statement(part)
            given = said(self.found[-1].words) if self.found else ""
        self.shell = before
        return status

    def own_shell(self, node: Node) -> tuple[int, ...]:
        return (*self.shell, node.start_byte)

    def read_if(self, node: Node) -> int | None:
        condition: list[Node] = []
        body: list[Node] = []
        before: list[int | None] = []
        into = condition
        kept: Node = node
        for child in node.children:
            if child.type in ("if", "elif"):
                into = condition
            elif child.type == "then":
                into = body
            elif child.type in ("elif_clause", "else_clause"):
                if kept is not child and (condition or body):
                    before.append(self._branch(condition, body, before, node))
                    condition, body = [], []
                self._clause(child, before)
                into = body
            elif child.type not in ("fi", ";"):
                into.append(child)
        if condition or body:
            self._branch(condition, body, before, node)
        return 0

    def _clause(self, node: Node, before: list[int | None]) -> None:
        condition: list[Node] = []
        body: list[Node] = []
        into = body if node.type == "else_clause" else condition
        for child in node.children:
            if child.type == "then":
                into = body
            elif child.type not in ("elif", "else", ";"):
                into.append(child)
        before.append(self._branch(condition, body, before, node))

    def _branch(
        self, condition: list[Node], body: list[Node], before: list[int | None], node: Node
    ) -> int | None:
        """One branch: its condition's status."""
        where = f"it stands in a branch that is never taken (line {line_of(node)})"
        if 0 in before:
            self.never(lambda: self.statements([*condition, *body]), where)
            return 1
        status = self.statements(condition) if condition else 0
        if status == 1:
            self.never(lambda: self.statements(body), where)
        elif status is None or None in before:
            self.perhaps(lambda: self.statements(body))
        else:
            self.statements(body)
        return status

    def read_while(self, node: Node) -> int | None:
        body = node.child_by_field_name("body")
        condition = node.child_by_field_name("condition")
        if body is None:
            return 0
        if condition is None or node.type == "c_style_for_statement":
            self.perhaps(lambda: self.statement(body))
            return 0
        status = self.statement(condition)
        if node.children[0].type == "until" and status is not None:
            status = 1 - status
        if status == 1:
            where = f"it stands in a loop that is never entered (line {line_of(node)})"
            self.never(lambda: self.statement(body), where)
            return 0
        if status is None:
            self.perhaps(lambda: self.statement(body))
            return 0
        leaves = re.search(r"\b(break|exit|return)\b", text_of(body)) is not None
        self.statement(body)
        if not leaves and not self.background:
            self.end(f"the loop in line {line_of(node)} never ends")
        return 0

    def read_for(self, node: Node) -> int | None:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("variable")
        if body is None or name is None:
            return 0
        values: list[str] = []
        for child in node.children:
            if child.type in ("for", "select", "in", ";", "do_group", "comment"):
                continue
            if child in (name, body):
                continue
            word = expand(child, self.variables)
            split = braces(word) if child.type in EXPANDED else [word]
            values += [w for s in split for w in s.split()] if child.type != "string" else split
        if not values:
            self.never(lambda: self.statement(body), f"the loop in line {line_of(node)} is empty")
        for value in values[:64]:
            self.variables[text_of(name)] = value
            self.broken = False
            self.statement(body)
            if self.broken or len(self.found) > MOST_COMMANDS:
                break
        return 0

    def read_case(self, node: Node) -> int | None:
        value = node.child_by_field_name("value")
        given = expand(value, self.variables) if value is not None else UNKNOWN
        for item in (child for child in node.children if child.type == "case_item"):
            close = next(i for i, c in enumerate(item.children) if c.type == ")")
            patterns = [expand(c, {}) for c in item.children[:close] if c.is_named]
            body = [c for c in item.children[close + 1 :] if c.type not in (";;", ";&", ";;&")]
            if UNKNOWN in given:
                self.perhaps(lambda body=body: self.statements(body))  # type: ignore[misc]
            elif any(p in (given, "*") for p in patterns):
                return self.statements(body)
            else:
                where = f"it stands in a branch of `case` that is not taken (line {line_of(item)})"
                self.never(lambda body=body: self.statements(body), where)  # type: ignore[misc]
        return 0

    def aside(self, node: Node, background: bool = False) -> int | None:
        """In a shell of its own: neither its limits nor its end are those of the script."""
        kept = self.dead, self.instead, self.shell, self.background, dict(self.variables)
        self.shell, self.background = self.own_shell(node), self.background or background
        status = self.statements(node.children) if node.type == "subshell" else self.statement(node)
        self.dead, self.instead, self.shell, self.background, self.variables = kept
        return status

    def perhaps(self, read: Callable[[], object]) -> None:
        kept, self.maybe = self.maybe, True
        read()
        self.maybe = kept

    def never(self, read: Callable[[], object], why: str) -> None:
        kept = self.dead, self.instead
        if not self.dead:
            self.dead, self.instead = why, "put it where the script comes by in any case"
        read()
        self.dead, self.instead = kept

    def end(self, why: str, instead: str = "put the line in front of that") -> None:
        if not self.dead and not self.maybe:
            self.dead, self.instead = why, instead

    def unreadable(self, node: Node) -> None:
        why = f"the shell stops at a mistake in line {line_of(node)}"
        self.end(why, "run `bash -n` on the file")
        for offset, text in enumerate(text_of(node).splitlines()):
            self.mention(text.strip(), line_of(node) + offset, self.dead, self.instead)

    def comment(self, node: Node) -> None:
        if line_of(node) == 1 and text_of(node).startswith("#!"):
            return
        self.mention(text_of(node).lstrip("# \t"), line_of(node), COMMENT, "take the `#` away")

    def mention(self, text: str, line: int, why: str, instead: str) -> None:
        words = tuple(text.split())
        if words:
            target = re.search(r">\s*(\S+)", text)
            origin = Origin(self.path, line, text if why != COMMENT else f"# {text}")
            writes = (target[1],) if target else ()
            self.found.append(Command(words, origin, writes, why=why, instead=instead))
