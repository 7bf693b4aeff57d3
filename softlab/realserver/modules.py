"""The module tools of a real server: insmod, rmmod, lsmod, modprobe, modinfo.

A kernel module of the lab's own cannot be: the hosts share one kernel, which may have no loadable
modules at all. So these commands stand in front of kmod's, say what kmod says (version 30), and
load what stands for the module: toa.ko is the TOA reader's eBPF object, uoa.ko a mark by which
the UDP server reads UOA; ipip and ip6_tunnel, which come with every kernel, are a tun device each.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from softlab.realserver import state, toa_reader, tunnel

#: What uoa.ko holds; the TOA reader's object is an ELF file of machine 247 (EM_BPF).
UOA_MARK: Final = b"softlab: uoa.ko emulated by udp-echo\n"


@dataclass(frozen=True, slots=True)
class Module:
    """An emulated module. `size` is what lsmod shows; toa's is the article's."""

    name: str
    size: int
    load: Callable[[Path], None]
    unload: Callable[[], None]
    parameters: tuple[str, ...] = ()


def _only_marked(_file: Path) -> None:
    """It is only marked as loaded; the UDP server is notified afterwards."""


def _only_unmarked() -> None:
    """As with loading."""


MODULES: Final = {
    one.name: one
    for one in (
        Module("toa", 279641, toa_reader.load, toa_reader.unload),
        Module(
            *("uoa", 24576, _only_marked, _only_unmarked),
            (
                "uoa_debug:enable UOA debug by setting it to 1 (int)",
                "uoa_map_timeout:UOA mapping timeout in second (int)",
                "uoa_map_tab_bits:UOA mapping table hash size (int)",
            ),
        ),
        Module("ipip", 20480, tunnel.load, lambda: tunnel.unload("ipip")),
        Module("inet_diag", 24576, _only_marked, _only_unmarked),
        Module("tcp_diag", 16384, _only_marked, _only_unmarked),
        Module("ip6_tunnel", 45056, tunnel.load, lambda: tunnel.unload("ip6_tunnel")),
    )
}


def _end(text: str, status: int = 1) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(status)


def identify(file: Path) -> Module | None:
    """Which module a file is, by what is in it, wherever it was copied to. Raises OSError."""
    content = file.read_bytes()
    if content[:4] == b"\x7fELF" and int.from_bytes(content[18:20], "little") == 247:
        return MODULES["toa"]
    return MODULES["uoa"] if content == UOA_MARK else None


def _load(file: Path, prefix: str) -> None:
    try:
        module = MODULES.get(file.stem) if _is_kernels(file) else identify(file)
    except OSError as error:
        _end(f"{prefix}: ERROR: could not load module {file}: {error.strerror}")
    refused = f"{prefix}: ERROR: could not insert module {file}"
    if module is None:
        _end(f"{refused}: Invalid module format")
    if state.is_loaded(module.name):
        _end(f"{refused}: File exists")
    # First of all: a process that is killed here leaves a module that rmmod can remove. A kernel
    # cannot have a module half loaded.
    state.set_loaded(module.name)
    try:
        module.load(file)
    except (toa_reader.LoadError, OSError) as error:
        state.set_unloaded(module.name)
        _end(f"{refused}: {error}")
    state.tell_server()


def _unload(name: str, prefix: str) -> None:
    # kmod takes a file name or a name with dashes as well.
    name = Path(name).name.removesuffix(".ko").replace("-", "_")
    if not state.is_loaded(name):
        _end(f"{prefix}: ERROR: Module {name} is not currently loaded")
    MODULES[name].unload()
    state.set_unloaded(name)
    state.tell_server()


def insmod(arguments: Sequence[str]) -> None:
    """insmod FILE [PARAMETER=VALUE ...]"""
    if not arguments:
        _end("insmod: ERROR: missing filename.")
    _load(Path(arguments[0]), "insmod")


def rmmod(arguments: Sequence[str]) -> None:
    """rmmod NAME ..."""
    names = [one for one in arguments if not one.startswith("-")]
    if not names:
        _end("rmmod: ERROR: missing module name.")
    for name in names:
        _unload(name, "rmmod")


def lsmod(_arguments: Sequence[str]) -> None:
    """lsmod"""
    print("Module                  Size  Used by")
    for name in state.loaded():
        print(f"{name:<19} {MODULES[name].size:>8}  0")


def _kernels() -> list[Path]:
    """Files of the modules that a distribution's kernel brings: named, and emulated without."""
    place = Path("/lib/modules", os.uname().release, "kernel/net")
    return [place / "ipv4/ipip.ko", place / "ipv6/ip6_tunnel.ko"]


def _is_kernels(file: Path) -> bool:
    return file in _kernels()


def _installed(name: str) -> Path | None:
    """A module's file below /lib/modules, where depmod would have it from."""
    place = Path("/lib/modules", os.uname().release)
    kernels = [file for file in _kernels() if file.stem == name.replace("-", "_")]
    return next(iter([*kernels, *sorted(place.rglob(f"{name}.ko"))]), None)


def modprobe(arguments: Sequence[str]) -> None:
    """modprobe [-r] [-n -v] NAME ...: of what is below /lib/modules for this kernel."""
    remove = any(one in ("-r", "--remove") for one in arguments)
    dry = any(one in ("-n", "--dry-run", "--show") for one in arguments)
    names = [one for one in arguments if not one.startswith("-") and "=" not in one]
    if not names:
        _end("modprobe: ERROR: missing parameters. See -h.")
    for name in names if remove else names[:1]:
        if remove and state.is_loaded(name):
            _unload(name, "modprobe")
            continue
        file = _installed(name)
        if file is None:
            where = f" in directory /lib/modules/{os.uname().release}"
            _end(f"modprobe: FATAL: Module {name} not found{where}.")
        if not remove and not state.is_loaded(file.stem):
            if not dry:
                _load(file, "modprobe")
            elif any(one in ("-v", "--verbose") for one in arguments):
                print(f"insmod {file} ")


def modinfo(arguments: Sequence[str]) -> None:
    """modinfo [-F FIELD] NAME|FILE ..."""
    names = list(arguments)
    wanted = None
    if names[:1] and names[0] in ("-F", "--field"):
        wanted, names = names[1] if len(names) > 1 else "", names[2:]
    elif names[:1] and names[0] in ("-n", "--filename"):
        wanted, names = "filename", names[1:]
    if not names:
        _end("modinfo: ERROR: missing module or filename.")
    for name in names:
        file = Path(name) if "/" in name or name.endswith(".ko") else _installed(name)
        module = identify(file) if file is not None and file.exists() else None
        if file is None or module is None:
            _end(f"modinfo: ERROR: Module {name} not found.")
        for field, value in _fields(file, module):
            if wanted is None:
                print(f"{field + ':':<15} {value}")
            elif wanted == field:
                print(value)


def _fields(file: Path, module: Module) -> list[tuple[str, str]]:
    return [
        ("filename", str(file)),
        ("license", "GPL"),
        ("depends", ""),
        ("name", module.name),
        ("vermagic", f"{os.uname().release} SMP mod_unload "),
        *(("parm", parameter) for parameter in module.parameters),
    ]


COMMANDS: Final[dict[str, Callable[[Sequence[str]], None]]] = {
    "insmod": insmod,
    "rmmod": rmmod,
    "lsmod": lsmod,
    "modprobe": modprobe,
    "modinfo": modinfo,
}


def main() -> None:
    """Run the command that this process was started as."""
    COMMANDS[Path(sys.argv[0]).name](sys.argv[1:])
