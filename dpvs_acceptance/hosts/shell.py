"""Text for a POSIX shell: the only place where values from files and devices are quoted."""

from __future__ import annotations

import shlex

quote = shlex.quote


def sh(template: str, /, *values: object) -> str:
    """`sh("ip link set dev {} up", dev)`: the template with each value quoted as one shell word.

    Values are converted to `str`; NUL, which a shell word cannot contain, raises ValueError.
    Literal braces in the template are doubled, as in `str.format`.
    """
    words = [str(value) for value in values]
    for word in words:
        if "\0" in word:
            raise ValueError(f"a shell word cannot contain NUL: {word!r}")
    return template.format(*(quote(word) for word in words))


def assignments(env: dict[str, str]) -> str:
    """`A='x' B='y' `, the prefix of a command; names must be shell names."""
    for name in env:
        if not (name.isidentifier() and name.isascii()):
            raise ValueError(f"not a name of an environment variable: {name!r}")
    return "".join(f"{name}={quote(value)} " for name, value in env.items())
