"""How the kernel writes values, CPU lists and CPU masks in its files."""

from collections.abc import Iterable

from softlab.emulated.tree import File


def text(value: object, *store: str) -> File:
    """A file of one line; what a write to it means is `store`."""
    return File(f"{value}\n".encode(), store)


def ranges(numbers: Iterable[int]) -> str:
    """A list of CPUs or nodes as the kernel writes it: 0-3,8."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def mask(numbers: Iterable[int]) -> str:
    """A set of CPUs as the kernel writes it: groups of 32 bits in hexadecimal."""
    bits = f"{sum(1 << number for number in numbers):x}"
    groups: list[str] = []
    while bits:
        groups.insert(0, bits[-8:])
        bits = bits[:-8]
    return ",".join(groups)
