"""As much of a declarative Jenkinsfile as its shape: blocks with their names, and `sh` steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|[{}]|[^\s{}'\"/]+|\s+|/",
    re.DOTALL,
)


@dataclass
class Block:
    """`name (arguments) { … }`; `text` is what stands in it outside of its blocks."""

    name: str
    text: str = ""
    blocks: list[Block] = field(default_factory=list)

    def every(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.every()


def parse(text: str) -> Block:
    """The whole file as one block without a name. AssertionError where braces do not pair up."""
    root = Block("")
    stack = [root]
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found, f"a quote without its end: {text[at : at + 60]!r}"
        token, at = found[0], found.end()
        if token.startswith(("//", "/*")):
            continue
        if token == "{":
            head = stack[-1].text.rstrip().splitlines()[-1].strip()
            block = Block(re.split(r"[\s(]", head, maxsplit=1)[0])
            stack[-1].blocks.append(block)
            stack.append(block)
        elif token == "}":
            assert len(stack) > 1, "a brace is closed that was not opened"
            stack.pop()
        else:
            stack[-1].text += token
    assert len(stack) == 1, f"the block {stack[-1].name} is not closed"
    return root


def shell_steps(block: Block) -> list[str]:
    """What `sh` is given, in order of the file's blocks."""
    found = []
    for one in block.every():
        found += re.findall(r"\bsh '([^']*)'|\bscript: '([^']*)'", one.text)
    return [first or second for first, second in found]
