"""What a line of a boot's files does, and which line that is."""

from __future__ import annotations

from dataclasses import dataclass

COMMENT = "it is a comment"
"""Why a commented line has no effect."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of a file. `text` as it stands there."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        text = " ".join(self.text.split())
        shown = text if len(text) <= 100 else f"{text[:97]}..."
        return f"{self.path}:{self.line} `{shown}`" if shown else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a boot does."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Idle(Effect):
    """A line that has no effect. `about`: the effect that it would have had; `why`: a clause about
    the line; `instead`: what to write."""

    about: Effect
    why: str
    instead: str

    def __str__(self) -> str:
        return f"{self.origin} has no effect: {self.why}; {self.instead}"


@dataclass(frozen=True, slots=True)
class Mounted(Effect):
    """A file system is mounted on `point`. `kind` empty: as fstab says of that point."""

    point: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmounted(Effect):
    """What is mounted on `point` is taken away; `*`: all hugetlbfs."""

    point: str


@dataclass(frozen=True, slots=True)
class Loaded(Effect):
    """A kernel module is to be loaded. `by`: `insmod`, `modprobe`, `modprobe -b` (which keeps to
    blacklists, as modules-load.d does). `path`: of the .ko file, for insmod."""

    module: str
    by: str
    parameters: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Unloaded(Effect):
    """A kernel module is removed."""

    module: str


@dataclass(frozen=True, slots=True)
class Pages(Effect):
    """Hugepages are reserved. `node` None: that many in all, spread evenly over the nodes.
    `size_kb` None: of the kernel's default size. `count` None: a number that is not in the files.
    """

    count: int | None
    node: int | None = None
    size_kb: int | None = None


@dataclass(frozen=True, slots=True)
class OpenFiles(Effect):
    """The soft limit of open files of all that the same script starts from here on; None where the
    files do not say the number."""

    soft: int | None


@dataclass(frozen=True, slots=True)
class Sysctl(Effect):
    """A kernel parameter, its name with dots."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Started(Effect):
    """dpvs is started. `soft`: its limit of open files, None where the files do not say."""

    soft: int | None
    user: str = "root"
