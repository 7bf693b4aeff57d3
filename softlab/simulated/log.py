"""The device's log: one line per message, the module's name in front (src/log.c, DPDK's rte_log).

Until dpvs.conf names a log file, lines go to stderr.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

LEVELS = {
    "EMERG": 1,
    "ALERT": 2,
    "CRIT": 3,
    "ERR": 4,
    "WARNING": 5,
    "NOTICE": 6,
    "INFO": 7,
    "DEBUG": 8,
}


class Log:
    """Writes lines of at least the level's importance."""

    def __init__(self) -> None:
        self._level = LEVELS["INFO"]
        self._stream: TextIO = sys.stderr
        self._lock = threading.Lock()

    def say(self, level: str, module: str, text: str) -> None:
        """One message; text may be several lines."""
        if LEVELS[level] <= self._level:
            self.raw(f"{module}: {text}")

    def raw(self, text: str) -> None:
        """A line without a module."""
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()

    def set(self, what: str, value: str) -> bool:
        """``level`` or ``file``, as dpvs.conf gives it; False when that cannot be."""
        if what == "level":
            for name, number in LEVELS.items():
                if value.startswith(name):
                    self._level = number
                    return True
            self.say("WARNING", "CFG_FILE", f"set_log_level: illegal log level: {value}")
            return False
        try:
            self._stream = Path(value).open("a", encoding="utf-8")  # noqa: SIM115 - kept open
        except OSError as error:
            text = f"set_log_file: illegal log file: {value} -- {error.strerror}"
            self.say("WARNING", "CFG_FILE", text)
            return False
        return True
