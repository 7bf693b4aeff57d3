"""Where checks and data are: in a site's own repository first, then in the suite.

A clone of the project is its own site. An installed suite lies in `site-packages`, its data in
`dpvs_acceptance/shipped` and its checks in `dpvs_acceptance/suites`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.requirement import SEED

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = (PACKAGE / "shipped").is_dir()
SUITE = PACKAGE / "shipped" if INSTALLED else PACKAGE.parent
"""The suite's folder: `topologies`, `benches`, `requirements`, `softlab`."""
SUITES = (PACKAGE if INSTALLED else SUITE) / "suites"
SUITES_NAME = "dpvs_acceptance.suites"
"""What a site's pytest.ini, or `pytest --pyargs`, calls the suite's own checks."""
_SETTINGS = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Site:
    """The folder of a run: a clone, or a repository that adds to an installed suite."""

    root: Path
    extends: bool = INSTALLED
    """Whether the suite's own files count in addition to those of `root`."""

    def folders(self, kind: str) -> tuple[Path, ...]:
        """The folders with files of this kind, such as `topologies`, the site's first."""
        own = self.root / kind
        if self.extends:
            return tuple(one for one in (own, SUITE / kind) if one.is_dir())
        return (own if own.is_dir() else SUITE / kind,)

    def names(self, kind: str) -> list[str]:
        """What an option may name: the files of this kind, but no examples."""
        found = {path.stem for folder in self.folders(kind) for path in folder.glob("*.yaml")}
        return sorted(name for name in found if "example" not in name)

    def file(self, kind: str, name: str) -> Path | None:
        """The file of this kind and name, the site's before the suite's."""
        paths = (folder / f"{name}.yaml" for folder in self.folders(kind))
        return next((path for path in paths if path.is_file()), None)

    @property
    def suites(self) -> tuple[Path, ...]:
        """The folders of checks, the suite's first."""
        own = self.root / "suites"
        return (SUITES, *([own] if own.is_dir() else [])) if self.extends else (own,)

    @property
    def catalogues(self) -> list[Path]:
        """The files of requirements: `seed`, then the suite's others, then the site's.

        Raises DeclarationError where the site's has the name of one of the suite's.
        """
        files = list(self._of_all("requirements", "*.yaml"))
        names: dict[str, Path] = {}
        for path in files:
            if path.stem in names:
                raise DeclarationError(
                    f"{path}:1: {path.stem} is a catalogue of the suite; to change its rows, give "
                    "the file another name, and list them under `changes`"
                )
            names[path.stem] = path
        return files

    @property
    def known_defects(self) -> list[Path]:
        return list(self._of_all("requirements", "known/*.yaml"))

    def _of_all(self, kind: str, pattern: str) -> Iterator[Path]:
        for folder in reversed(self.folders(kind)):
            yield from sorted(folder.glob(pattern), key=lambda path: (path.stem != SEED, path))


def site_here(start: Path) -> Site:
    """The site of a command that is given in the folder `start`: it, or a folder above it, whose
    settings of pytest name the suite's checks; a clone is its own."""
    if not INSTALLED:
        return Site(SUITE)
    for folder in (start, *start.parents):
        if settings_of(folder) is not None:
            return Site(folder)
    return Site(start)


def settings_of(folder: Path) -> Path | None:
    """The file of pytest's settings that makes this folder a site."""
    for name in _SETTINGS:
        try:
            if SUITES_NAME in (folder / name).read_text(encoding="utf-8"):
                return folder / name
        except (OSError, UnicodeDecodeError):
            continue
    return None
