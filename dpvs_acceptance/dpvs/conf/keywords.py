"""The keywords of dpvs.conf, as the table of versions has them."""

from __future__ import annotations

from dpvs_acceptance.dpvs.versions import EVER, KEYWORDS, NEVER, KeywordPath

_BLOCKS = frozenset(path[:-1] for path in KEYWORDS if len(path) > 1)


def is_block(path: KeywordPath) -> bool:
    """Whether DPVS reads a block after this keyword, regardless of braces."""
    return path in _BLOCKS


def versions_with(path: KeywordPath) -> str:
    """As text: `1.9.4 and later`; `no version` for an unknown keyword."""
    words = []
    for since, before in KEYWORDS.get(path, ()):
        if (since, before) == (EVER, NEVER):
            words.append("every version")
        elif before == NEVER:
            words.append(f"{since} and later")
        elif since == EVER:
            words.append(f"versions before {before}")
        else:
            words.append(f"{since} to before {before}")
    return ", ".join(words) or "no version"
