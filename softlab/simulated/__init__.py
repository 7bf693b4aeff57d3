"""A simulated DPVS: its daemon, its tools, and what a host looks like that has it installed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def install(root: Path, version: str) -> None:
    """Lay a version of the simulated device into a host's root.

    ``/opt/dpvs/bin`` gets the tools, ``/usr/sbin`` links to them, ``/etc/dpvs-simulated.json`` the
    version. The tools run this package from ``/opt/softlab``, where the lab
    puts it; the source trees next to them belong to the emulated hardware. ValueError for a
    version that cannot be emulated.
    """
    from softlab.simulated import installation

    installation.install(root, version)
