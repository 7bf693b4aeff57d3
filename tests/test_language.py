"""Plain field English: words that made sentences hard to read do not come back.

See docs/glossary.md for the terms.
"""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Word, and what to write instead.
# The user `nobody` stands in quotes, or in a line of cron.
WORDS = {
    r"told|tells? of": "reported, logged, printed, says",
    r"anew": "again, new",
    r"somebody": "another user, another process, an unknown owner",
    r"(?<!\")(?<!@reboot )nobody|no one": "no host, no process, not used",
    r"as ever": "as usual, or nothing",
    r"is had": "happens, is available",
    r"such as come": "(the noun itself)",
    r"so already": "already in place",
    r"whoever|lest": "(the noun itself), so that … not",
    r"foul": "invalid, wrong",
    r"goe?s? nowhere": "is dropped, is not forwarded",
    r"is none of": "is not one of",
}
HUNTED = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
FOLDERS = (
    "README.md",
    "benches",
    "benchmarks",
    "docs",
    "dpvs_acceptance",
    "faults",
    "fixtures",
    "recordings",
    "reports",
    "requirements",
    "softlab",
    "suites",
    "topologies",
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and text of all that people read: whole documents; of Python, comments and
    strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    return [name for name in listed if name.endswith((".py", ".md", ".yaml"))]


def hunted(name: str) -> list[str]:
    return [
        f"{name}:{number}: {found[0]}: {line.strip()[:100]}"
        for number, line in texts(ROOT / name)
        if (found := HUNTED.search(line))
    ]


def test_the_worst_words_do_not_come_back() -> None:
    found = [line for name in files() for line in hunted(name)]
    assert not found, "plainer words, see WORDS in this file:\n" + "\n".join(found)


def test_a_hunted_word_is_found() -> None:
    assert HUNTED.search("the client is told its address")
    assert not HUNTED.search("the client's address is reported")
