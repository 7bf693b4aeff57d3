# ruff: noqa: UP006, UP035  (Python 3.6: no builtin generics)
"""The octets of bodies and datagrams: both ends compute them from a key, so both can verify."""

import hashlib
from typing import Tuple

SIZE = 65521  # a prime: no segment size and no power of two divides it
BLOCK = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(SIZE // 32 + 1))[:SIZE]
TWICE = BLOCK + BLOCK
SPREAD = 40503  # neighbouring keys begin far from each other


def octets(key: int, start: int, length: int) -> bytes:
    """``length`` octets of the stream ``key``, from offset ``start``."""
    at = (key * SPREAD + start) % SIZE
    if length <= SIZE:
        return TWICE[at : at + length]
    whole, rest = divmod(length, SIZE)
    return TWICE[at : at + SIZE] * whole + TWICE[at : at + rest]


def first_wrong(key: int, start: int, data: bytes) -> int:
    """The offset in the stream of the first octet that is not the stream's; -1 where none is."""
    wanted = octets(key, start, len(data))
    if data == wanted:
        return -1
    return start + next(n for n, (a, b) in enumerate(zip(data, wanted)) if a != b)  # noqa: B905


def keys(number: int) -> Tuple[int, int]:
    """The streams of a flow: what its client sends, what its server answers."""
    return 2 * number, 2 * number + 1
