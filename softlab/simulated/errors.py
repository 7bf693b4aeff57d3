"""The device's error numbers and the words its tools print for them (include/conf/common.h)."""

from __future__ import annotations

OK = 0
INVAL = -1
NOMEM = -2
EXIST = -3
NOTEXIST = -4
NOROUTE = -8
NOTSUPP = -14
RESOURCE = -15
NOSERV = -17
MSG_FAIL = -23
NODEV = -27

_WORDS = {
    OK: "OK",
    INVAL: "invalid parameter",
    NOMEM: "no memory",
    EXIST: "already exist",
    NOTEXIST: "not exist",
    NOROUTE: "no route",
    NOTSUPP: "not support",
    RESOURCE: "no resource",
    NOSERV: "no service",
    MSG_FAIL: "msg callback failed",
    NODEV: "no such device",
}


def words(code: int) -> str:
    """What the tools print for an error number; ``<unknow>`` is the device's own spelling."""
    return _WORDS.get(code, "<unknow>")


class DpvsError(Exception):
    """A control message the device refuses, with its error number."""

    def __init__(self, code: int) -> None:
        super().__init__(words(code))
        self.code = code
