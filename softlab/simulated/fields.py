"""The fields of a control message, each with the type it has to have."""

from __future__ import annotations

from softlab.simulated import errors
from softlab.simulated.errors import DpvsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.wire import Value


class Fields:
    """A message's fields; one of a wrong type is an invalid message."""

    def __init__(self, message: Value) -> None:
        self._message = message

    def text(self, name: str) -> str:
        value = self._message.get(name, "")
        if not isinstance(value, str):
            raise DpvsError(errors.INVAL)
        return value

    def number(self, name: str) -> int:
        value = self._message.get(name, 0)
        if not isinstance(value, int):
            raise DpvsError(errors.INVAL)
        return value

    def raw(self, name: str) -> bytes:
        value = self._message.get(name, b"")
        if not isinstance(value, bytes):
            raise DpvsError(errors.INVAL)
        return value

    def flag(self, name: str) -> bool:
        return bool(self._message.get(name, False))
