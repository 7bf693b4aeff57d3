"""A switch port that is the trunk of one VLAN, where the machine's kernel need not know VLANs.

What the device behind it sends has to have the VLAN's tag, which is taken off, or it is dropped;
what goes to it gets the tag. The two programs for that are a few instructions each, so that they
are written here, and no compiler is needed (linux/bpf.h, bpf-helpers(7)).
"""

import ctypes
import os
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from softlab import kernel

_SYS_BPF: Final = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361}
_PROG_LOAD, _OBJ_PIN = 5, 6
_SCHED_CLS: Final = 3
_OK, _SHOT = 0, 2
# Fields of struct __sk_buff.
_VLAN_PRESENT, _VLAN_TCI = 20, 24
_VLAN_PUSH, _VLAN_POP = 18, 19
_TAGGED: Final = int.from_bytes((0x8100).to_bytes(2, "big"), "little")

_libc: Final = ctypes.CDLL(None, use_errno=True)


class TrunkError(Exception):
    """A trunk could not be made; the text says what the kernel or tc said."""


def _op(code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def _take_off(vlan: int) -> bytes:
    """Frames of the device: those of the VLAN without their tag, all others dropped."""
    return b"".join(
        (
            _op(0x61, 2, 1, _VLAN_PRESENT),  # r2 = skb->vlan_present
            _op(0x15, 2, off=6),  # if r2 == 0: drop
            _op(0x61, 2, 1, _VLAN_TCI),  # r2 = skb->vlan_tci
            _op(0x57, 2, imm=0xFFF),  # r2 &= 0xfff
            _op(0x55, 2, off=3, imm=vlan),  # if r2 != vlan: drop
            _op(0x85, imm=_VLAN_POP),
            _op(0xB7, imm=_OK),
            _op(0x95),
            _op(0xB7, imm=_SHOT),
            _op(0x95),
        )
    )


def _put_on(vlan: int) -> bytes:
    """Frames for the device, with the VLAN's tag."""
    return b"".join(
        (
            _op(0xB7, 2, imm=_TAGGED),
            _op(0xB7, 3, imm=vlan),
            _op(0x85, imm=_VLAN_PUSH),
            _op(0xB7, imm=_OK),
            _op(0x95),
        )
    )


def make(port: str, vlan: int) -> None:
    """Make an interface of this network namespace the trunk of a VLAN. Raises TrunkError."""
    with tempfile.TemporaryDirectory(prefix="trunk-") as folder:
        # This process has its own mount namespace; the filters keep their programs themselves.
        kernel.mount("bpf", folder, "bpf")
        try:
            _tc("qdisc", "add", "dev", port, "clsact")
            for direction, program in (("ingress", _take_off(vlan)), ("egress", _put_on(vlan))):
                pinned = Path(folder, direction)
                _pin(program, pinned)
                _tc(
                    *("filter", "add", "dev", port, direction, "protocol", "all"),
                    *("bpf", "direct-action", "object-pinned", str(pinned)),
                )
        finally:
            kernel.umount(folder)


def _pin(program: bytes, path: Path) -> None:
    """Load a program and give it a name in bpffs."""
    code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"GPL")
    load = struct.pack(
        "<IIQQ", _SCHED_CLS, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence)
    )
    fd = _bpf(_PROG_LOAD, load)
    try:
        name = ctypes.create_string_buffer(os.fsencode(path))
        _bpf(_OBJ_PIN, struct.pack("<QI", ctypes.addressof(name), fd))
    finally:
        os.close(fd)


def _bpf(command: int, attributes: bytes) -> int:
    number = _SYS_BPF.get(os.uname().machine)
    if number is None:
        raise TrunkError(f"bpf: the system call's number on {os.uname().machine} is not known")
    # Fields that are not given are zero.
    block = ctypes.create_string_buffer(attributes, 120)
    result: int = _libc.syscall(ctypes.c_long(number), command, block, len(block))
    if result < 0:
        raise TrunkError(f"a VLAN's trunk needs eBPF: bpf: {os.strerror(ctypes.get_errno())}")
    return result


def _tc(*words: str) -> None:
    done = subprocess.run(["tc", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TrunkError(f"a VLAN's trunk: tc {' '.join(words)}: {done.stderr.strip()}")
