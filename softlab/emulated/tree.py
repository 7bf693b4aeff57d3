"""A tree of emulated entries over a directory of the real system.

Paths are relative, without a leading slash ("sys/class/net"); "" is the root. An entry is a file,
a link, or a directory; a directory that has `real` also shows what is in that real directory, save
names that match a pattern of `hide` or that the tree has itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class File:
    """A file with `data`; `store` says what a write to it means, empty for read-only ones."""

    data: bytes
    store: tuple[str, ...] = ()
    write_only: bool = False

    @property
    def mode(self) -> int:
        if self.write_only:
            return 0o200
        return 0o644 if self.store else 0o444


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; `real` is the path of the real one that shines through, if one does."""

    real: str | None = None
    hide: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Real:
    """Not emulated: this path of the real system."""

    path: str


Entry = File | Link | Directory
Found = Entry | Real


@dataclass(slots=True)
class Tree:
    """Entries by path, and who is below whom."""

    entries: dict[str, Entry] = field(default_factory=dict)
    children: dict[str, dict[str, None]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Mapping[str, Entry]) -> "Tree":
        """A tree of these entries; missing parents are made, as directories that hide all else."""
        tree = cls()
        for path, entry in entries.items():
            tree._add(path, entry)
        return tree

    def _add(self, path: str, entry: Entry) -> None:
        known = path in self.entries
        self.entries[path] = entry
        if known or not path:
            return
        parent, _, name = path.rpartition("/")
        if parent not in self.entries:
            self._add(parent, Directory())
        self.children.setdefault(parent, {})[name] = None

    def find(self, path: str) -> Found | None:
        """What is at `path`: an entry, a real path that shines through, or nothing emulated."""
        entry = self.entries.get(path)
        if entry is not None or not path:
            return entry
        parent_path, _, name = path.rpartition("/")
        parent = self.find(parent_path)
        if isinstance(parent, Real):
            return Real(f"{parent.path}/{name}")
        if (
            isinstance(parent, Directory)
            and parent.real is not None
            and not any(fnmatchcase(name, pattern) for pattern in parent.hide)
        ):
            return Real(f"{parent.real}/{name}")
        return None

    def names(self, path: str) -> tuple[str, ...]:
        """The names of the emulated entries in the directory `path`."""
        return tuple(self.children.get(path, ()))
