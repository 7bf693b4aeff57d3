"""Which commands of a shell script are reached, in order, and why the others are not.

Read, never run. Commands are taken to succeed; where a condition depends on the running machine,
what stands behind it counts as perhaps reached (`maybe`), and an `exit` there ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from dpvs_acceptance.observed.boot.command import (
    ASKS,
    MOST_COMMANDS,
    STATUS,
    Command,
    Lookup,
    line_of,
    text_of,
    unwrapped,
)
from dpvs_acceptance.observed.boot.condition import holds
from dpvs_acceptance.observed.boot.effects import Origin
from dpvs_acceptance.observed.boot.walk import Walk
from dpvs_acceptance.observed.boot.words import EXPANDED, UNKNOWN, braces, expand

_LANGUAGE = Language(tree_sitter_bash.language())
_DEEPEST = 40  # nested calls and blocks
_SHELLS = re.compile(r"(?:.*/)?(sh|bash|dash|ksh)$")


@dataclass(kw_only=True)
class _Script(Walk):
    lookup: Lookup
    exists: Callable[[str], bool | None]
    blocks: Callable[[tuple[str, ...]], bool]
    valid: Callable[[str], bool]
    functions: dict[str, Node] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    errexit: bool = False
    depth: int = 0
    calls: int = 0
    returns: bool = False  # what ended is a function alone

    def statements(self, nodes: Sequence[Node]) -> int | None:
        status: int | None = 0
        for number, node in enumerate(nodes):
            if node.type == "comment":
                self.comment(node)
                continue
            if not node.is_named:
                continue
            behind = nodes[number + 1] if number + 1 < len(nodes) else None
            if behind is not None and behind.type == "&":
                self.aside(node, background=True)
                status = 0
                continue
            status = self.statement(node)
            if status == 1 and self.errexit and not self.dead and not self.maybe:
                self.end(f"`set -e` ends the script in line {line_of(node)}, which fails")
        return status

    def statement(self, node: Node) -> int | None:
        self.depth += 1
        try:
            if self.depth > _DEEPEST or len(self.found) > MOST_COMMANDS:
                return None
            return self._statement(node)
        finally:
            self.depth -= 1

    def _statement(self, node: Node) -> int | None:
        if node.has_error and not self.valid(self.path):
            self.unreadable(node)
            return None
        match node.type:
            case "command":
                return self.command(node, ())
            case "variable_assignment" | "variable_assignments" | "declaration_command":
                self._assign(node)
                return 0
            case "redirected_statement":
                return self._redirected(node)
            case "list":
                return self.read_list(node)
            case "pipeline":
                return self.read_pipeline(node)
            case "negated_command":
                status = self.statement(node.children[-1])
                return None if status is None else 1 - status
            case "test_command":
                return holds(text_of(node), lambda n: expand(n, self.variables), node, self.exists)
            case "if_statement":
                return self.read_if(node)
            case "while_statement" | "c_style_for_statement":
                return self.read_while(node)
            case "for_statement":
                return self.read_for(node)
            case "case_statement":
                return self.read_case(node)
            case "function_definition":
                name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
                if name is not None and body is not None and not self.dead:
                    self.functions[text_of(name)] = body
                return 0
            case "subshell":
                return self.aside(node)
            case "compound_statement" | "do_group":
                return self.statements(node.children[1:-1])
        return self.statements(node.children)

    def command(self, node: Node, writes: tuple[str, ...], piped: str = "") -> int | None:
        words: list[str] = []
        for child in node.children:
            if child.type in ("variable_assignment", "file_redirect", "herestring_redirect"):
                continue
            word = expand(child, self.variables)
            words += braces(word) if child.type in EXPANDED else [word]
        return self._simple(words, node, writes, piped)

    def _simple(
        self, words: list[str], node: Node, writes: tuple[str, ...], piped: str
    ) -> int | None:
        words = unwrapped(words)
        if not words:
            return 0
        name, arguments = words[0], words[1:]
        if name == "exec":
            if not arguments:
                return 0
            status = self._simple(arguments, node, writes, piped)
            self.end(f"`exec` in line {line_of(node)} puts another program in the script's place")
            return status
        command = Command(
            tuple(words), self._origin(node), writes, piped, self.maybe, self.shell,
            self.background, self.dead, self.instead,
        )  # fmt: skip
        self.found.append(command)
        if self.dead:
            return None
        if name in self.functions and name not in ("exit",):
            return self._call(name, arguments)
        if name in ("exit", "return"):
            return self._leave(name, arguments, node)
        if name in ("break", "continue"):
            self.broken = not self.maybe
            return 0
        if name == "set":
            flags = "".join(a for a in arguments if a.startswith("-"))
            self.errexit = self.errexit or "e" in flags or "errexit" in arguments
            return 0
        if name == "cd" and arguments and self.exists(arguments[0]) is False:
            return 1
        if name == "kill" and "$$" in text_of(node) and "-0" not in arguments:
            self.end(f"the script ends itself in line {line_of(node)}")
            return 0
        if name == "test":
            return holds(" ".join(arguments), None, None, self.exists)
        if inner := self._inner(words, piped):
            self._script_in(*inner, node)
            return 0
        text = self.lookup(f"\0{name}") if name.startswith("/") else None
        if text is not None:
            self.never(
                lambda: self._script_in(name, text, False, node),
                f"{name} is not executable, or does not begin with the name of a shell",
            )
            return None
        if self.blocks(tuple(words)) and not self.background and not self.maybe:
            self.end(
                f"line {line_of(node)} (`{words[0]}`) stays in the foreground and does not end",
                "put `&` behind that command",
            )
            return 0
        return STATUS.get(name, None if name in ASKS else 0)

    def _inner(self, words: list[str], piped: str) -> tuple[str, str, bool] | None:
        """Path, text and whether it is the same shell, of a script that a command runs."""
        name, arguments = words[0], words[1:]
        if name in (".", "source") and arguments:
            text = self.lookup(f"\0{arguments[0]}")
            return None if text is None else (arguments[0], text, True)
        if name == "eval" and UNKNOWN not in "".join(arguments):
            return self.path, " ".join(arguments), True
        if _SHELLS.match(name) or re.match(r"(?:.*/)?su$", name):
            if "-c" in arguments[:-1]:
                return self.path, arguments[arguments.index("-c") + 1], False
            files = [one for one in arguments if not one.startswith("-")]
            if not _SHELLS.match(name):
                return None
            if files:
                text = self.lookup(f"\0{files[0]}")  # read by a shell: it needs no x
                return None if text is None else (files[0], text, False)
            return (self.path, piped, False) if piped else None
        if name.startswith("/") and (text := self.lookup(name)) is not None:
            return name, text, False
        return None

    def _script_in(self, path: str, text: str, same: bool, node: Node) -> None:
        inner = replace(
            self, path=path, depth=self.depth + 1, functions=dict(self.functions), called=set(),
            found=[], shell=self.shell if same else self.own_shell(node),
            variables=self.variables if same else dict(self.variables),
        )  # fmt: skip
        if inner.depth > _DEEPEST // 2:
            return
        inner.run(text)
        here = self._origin(node)
        self.found += [
            replace(one, origin=here) if path == self.path else one for one in inner.found
        ]
        if same and inner.dead:
            self.end(inner.dead)

    def _leave(self, name: str, arguments: list[str], node: Node) -> int | None:
        if self.maybe:
            return 0
        self.returns = name == "return" and self.calls > 0
        text = " ".join([name, *arguments])
        self.end(
            f"`{text}` in line {line_of(node)} ends the script before it",
            f"put the line in front of `{text}`",
        )
        return 0

    def _call(self, name: str, arguments: list[str]) -> int | None:
        """A function: its `return` ends no more than itself, and its arguments are its own."""
        kept = self.dead, self.instead
        own = {one: word for one, word in self.variables.items() if one.isdigit()}
        self.variables |= {str(number): word for number, word in enumerate(arguments, 1)}
        self.called.add(name)
        self.calls += 1
        status = self.statement(self.functions[name])
        self.calls -= 1
        self.variables |= own
        if self.returns:
            self.dead, self.instead, self.returns = *kept, False
        return status

    def _assign(self, node: Node) -> None:
        if self.dead:
            return
        one = [node] if node.type == "variable_assignment" else node.children
        for each in one:
            if each.type != "variable_assignment":
                continue
            name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
            if name is not None:
                known = expand(value, self.variables) if value is not None else ""
                self.variables[text_of(name)] = known if not self.maybe else UNKNOWN

    def _redirected(self, node: Node) -> int | None:
        body = node.child_by_field_name("body")
        writes: list[str] = []
        piped = ""
        for child in node.children:
            if child.type == "file_redirect":
                operator = next((c.type for c in child.children if c.type in (">", ">>", ">|")), "")
                target = child.child_by_field_name("destination")
                if operator and target is not None:
                    writes.append(expand(target, self.variables))
            elif child.type == "heredoc_redirect":
                piped = self._heredoc(child, body)
                self._behind_heredoc(child)
        if body is None:
            return 0
        if body.type == "command":
            return self.command(body, tuple(writes), piped)
        return self.statement(body)

    def _heredoc(self, node: Node, body: Node | None) -> str:
        part = next((c for c in node.children if c.type == "heredoc_body"), None)
        if part is None:
            return ""
        text = expand(part, self.variables) if part.children else text_of(part)
        name = text_of(body).split(" ", 1)[0] if body is not None else ""
        if not _SHELLS.match(name):
            line = line_of(node)
            for offset, one in enumerate(text.splitlines()):
                self.mention(
                    one, part.start_point[0] + 1 + offset,
                    f"it is text that line {line} gives to `{name}`, not a command",
                    "put it behind the end of the here-document",
                )  # fmt: skip
        return text

    def _behind_heredoc(self, node: Node) -> None:
        """`cat <<E && command`: the grammar puts what follows into the redirect."""
        for child in node.children:
            if child.type in ("command", "list", "pipeline"):
                self.statement(child)

    def _origin(self, node: Node) -> Origin:
        whole = node
        while whole.parent is not None and whole.parent.type == "redirected_statement":
            whole = whole.parent
        return Origin(self.path, line_of(node), text_of(whole).split("\n", 1)[0])

    def run(self, text: str) -> None:
        """All of a script, and the functions that nothing called."""
        tree = Parser(_LANGUAGE).parse(text.encode("utf-8", "replace"))
        self.statements(tree.root_node.children)
        for name, body in self.functions.items():
            if name not in self.called:
                kept = self.dead, self.instead
                self.dead, self.instead = f"it stands in {name}(), which nothing calls", "call it"
                self.called.add(name)
                self.statement(body)
                self.dead, self.instead = kept


def commands(
    text: str,
    path: str,
    lookup: Lookup,
    exists: Callable[[str], bool | None] = lambda _: None,
    blocks: Callable[[tuple[str, ...]], bool] = lambda _: False,
    arguments: Sequence[str] = (),
    valid: Callable[[str], bool] = lambda _: False,
) -> tuple[Command, ...]:
    """All commands of a script, those that are never reached with the reason.

    `exists`: whether a path is there, None where that is not known. `blocks`: whether a command
    stays in the foreground. `arguments`: the script's own, `$1` first. `valid`: whether its shell
    can read a script to its end, whatever the grammar here makes of it.
    """
    variables = {str(number): word for number, word in enumerate(arguments, 1)}
    script = _Script(
        path=path, lookup=lookup, exists=exists, blocks=blocks, valid=valid, variables=variables
    )
    script.run(text)
    return tuple(script.found)
