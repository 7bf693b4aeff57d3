"""Wire format of a batch: several shell snippets per round trip, with delimited output.

Each snippet has its own deadline. The delimiters are random, so output cannot be mistaken for one.
They are printed to both streams, so stdout and stderr stay separate without a file on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import HostError

# Below Linux's limit on one argument (MAX_ARG_STRLEN): a snippet is passed as an argument.
LONGEST_SCRIPT = 120_000
TIMED_OUT = 124  # exit status of coreutils' timeout; 137 if it had to kill

# frame NUMBER SECONDS SCRIPT: returns its exit status; prints marks around its output.
# plain NUMBER SCRIPT: without a deadline, in a subshell, which saves two processes.
# The clock is the kernel's uptime with a resolution of 10 ms; it cannot be set.
# glimpse NUMBER LINE, within a frame: progress for a listener; discards the output so far.
LIBRARY = """\
if command -v timeout >/dev/null 2>&1
then bounded() { timeout -k 1 "$1" /bin/sh -c "$2" </dev/null; }
else bounded() { /bin/sh -c "$2" </dev/null; }
fi
begin() {
printf '\\n%s + %s\\n' "$mark" "$1"
printf '\\n%s + %s\\n' "$mark" "$1" >&2
read -r begun _ </proc/uptime
}
end() {
read -r ended _ </proc/uptime
printf '\\n%s - %s %s %s %s\\n' "$mark" "$1" "$2" "$begun" "$ended"
printf '\\n%s - %s\\n' "$mark" "$1" >&2
}
glimpse() {
printf '\\n%s ~ %s %s\\n' "$mark" "$1" "$2"
}
frame() {
begin "$1"
bounded "$2" "$3"
set -- "$1" $?
end "$1" "$2"
return "$2"
}
plain() {
begin "$1"
( eval "$2" ) </dev/null
set -- "$1" $?
end "$1" "$2"
return "$2"
}
"""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """Result of one snippet. `exit_status` and `seconds` are None if it did not end."""

    number: int
    exit_status: int | None
    seconds: float | None
    stdout: bytes
    stderr: bytes


def library(mark: str) -> str:
    """The shell functions, required before the first `frame`."""
    return f"mark={mark}\n{LIBRARY}"


def check_length(script: str) -> None:
    """ValueError for a snippet that is too long."""
    if len(script.encode("utf-8", "surrogateescape")) > LONGEST_SCRIPT:
        raise ValueError(
            f"a script of {len(script)} characters is too long, {LONGEST_SCRIPT} bytes are the "
            f"limit: {script[:80]!r}…"
        )


def parse(host: str, mark: str, stdout: bytes, stderr: bytes) -> list[BatchAnswer]:
    """The results in order; the last one may be unfinished.

    HostError if marks do not match, which cannot happen on a host that runs the script.
    """
    try:
        errors = {number: body for number, body, _ in _split(mark, stderr)}
        frames = []
        for number, body, end in _split(mark, stdout):
            status = seconds = None
            if end is not None:
                status = int(end[0])
                seconds = round(float(end[2]) - float(end[1]), 3)
            frames.append(BatchAnswer(number, status, seconds, body, errors.get(number, b"")))
    except (ValueError, IndexError) as exc:
        raise HostError(host, f"malformed reply ({exc})") from exc
    return frames


def _split(mark: str, stream: bytes) -> list[tuple[int, bytes, list[bytes] | None]]:
    """Number, content and the words of the end mark (None without one) of each snippet."""
    found: list[tuple[int, bytes, list[bytes] | None]] = []
    opened: tuple[int, bytes] | None = None
    for piece in stream.split(f"\n{mark} ".encode())[1:]:
        line, complete, body = piece.partition(b"\n")
        words = line.split()
        if not complete:
            break  # truncated within the mark
        number = int(words[1])
        inside = opened is not None and opened[0] == number
        if (words[0] == b"+" and opened is None) or (words[0] == b"~" and inside):
            opened = number, body
        elif words[0] == b"-" and opened is not None and inside:
            found.append((*opened, words[2:]))
            opened = None
        else:
            raise ValueError(f"frame {number} out of order: {line!r}")
    if opened is not None:
        found.append((*opened, None))
    return found
