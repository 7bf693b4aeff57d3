"""A tool that does not know an option, as against a DPVS that knows it and refuses.

Only the former excuses a service: the device's tools lack the feature, and say so in the words of
their option parser (popt in ipvsadm, dpip's own for its objects).
"""

from __future__ import annotations

import re
import shlex

_OPTION = re.compile(r"^(--?[A-Za-z0-9][A-Za-z0-9-]*): unknown option$", re.M)
_OBJECT = re.compile(r"^dpip: invalid object, use `-h' for help\.$", re.M)


def unknown_option(script: str, said: str) -> str | None:
    """`COMMAND`: ANSWER, where one of the script's commands has what its tool does not know."""
    if (found := _OPTION.search(said)) is not None:
        return _quoted(script, found[1], found[0])
    if (found := _OBJECT.search(said)) is not None:
        return _quoted(script, "dpip", found[0])
    return None


def _quoted(script: str, word: str, answer: str) -> str:
    for command in re.split(r"&&|\|\||[;{}]", script):
        words = shlex.split(command)
        # The tool's name is enough: where it is installed is the bench's.
        words[:1] = [one.rsplit("/", 1)[-1] for one in words[:1]]
        if word in words:
            return f"`{shlex.join(words)}`: {answer}"
    return answer
