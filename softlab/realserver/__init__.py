"""A real server of the lab."""

from pathlib import Path


def furnish(root: Path) -> None:
    """Lay a real server's files into its root."""


def start() -> None:
    """Start a real server's programs, in its own namespaces and cgroup."""
