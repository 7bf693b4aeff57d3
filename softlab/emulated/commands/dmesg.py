"""dmesg: the emulated kernel's log; the real one is the machine's."""

from .daemon_client import ask, fail


def main(arguments: list[str]) -> int:
    if set(arguments) - {"-T", "-H", "--nopager", "-k", "--color=never"}:
        fail(f"dmesg: {' '.join(arguments)} is not emulated")
    print("\n".join(ask("dmesg")["lines"]))
    return 0
