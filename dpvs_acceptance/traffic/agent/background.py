# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""Work in a child process of the agent, so that captures are emptied while it goes on."""

import contextlib
import ctypes
import json
import os
import signal
from typing import Any, Callable, Dict, List, Optional, Sequence

PR_SET_PDEATHSIG = 1


class Background:
    """A child that computes one JSON value. ``pipe`` has it; it ends when the agent does.

    work: called in the child with a file descriptor that becomes readable at each ``poke``.
    keep: descriptors that the child needs; all others, captures among them, are closed there.
    """

    def __init__(self, work: Callable[[int], Any], keep: Sequence[int] = ()) -> None:
        self.pipe, theirs = os.pipe()
        orders, self.orders = os.pipe()
        self.data = bytearray()
        self.done = False
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._child(work, theirs, orders, parent, sorted([*keep, theirs, orders]))
        os.close(theirs)
        os.close(orders)

    @staticmethod
    def _child(
        work: Callable[[int], Any], out: int, orders: int, parent: int, kept: List[int]
    ) -> None:
        """Never returns, whatever happens: two agents must not answer on one channel."""
        try:
            for low, high in zip([2, *kept], [*kept, kept[-1] + 4096]):  # noqa: B905
                os.closerange(low + 1, high)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == parent:
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, 0)
                os.dup2(nothing, 1)
                try:
                    result: Dict[str, Any] = {"ok": work(orders)}
                except Exception as error:
                    result = {"error": f"{type(error).__name__}: {error}"}
                data = memoryview(json.dumps(result, separators=(",", ":")).encode("ascii"))
                while data:
                    data = data[os.write(out, data) :]
        finally:
            os._exit(0)

    def fileno(self) -> int:
        return self.pipe

    def readable(self) -> None:
        chunk = os.read(self.pipe, 1 << 16)
        self.data += chunk
        self.done = not chunk

    def poke(self) -> None:
        os.write(self.orders, b".")

    def result(self) -> Any:
        answer: Optional[Dict[str, Any]] = json.loads(self.data.decode("ascii") or "null")
        if answer is None:
            raise RuntimeError("the process that made the traffic ended without a result")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)
        os.close(self.orders)
