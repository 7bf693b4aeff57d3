"""Command line: `python -m softlab up --dir DIR [--spec FILE.json]`."""

import argparse
import sys
from pathlib import Path

from softlab.spec import LabSpec, SpecError, read_spec
from softlab.supervisor import main_up


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="softlab", description="The software lab of one machine")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a lab; it ends at the end of stdin or by a signal")
    up.add_argument("--dir", type=Path, required=True, help="where the lab writes its bench file")
    up.add_argument("--spec", type=Path, help="what to build, as JSON; everything has a default")
    arguments = parser.parse_args()
    spec = LabSpec()
    if arguments.spec is not None:
        try:
            spec = read_spec(arguments.spec.read_text(), str(arguments.spec))
        except OSError as error:
            sys.exit(f"softlab: {arguments.spec}: {error.strerror}")
        except SpecError as error:
            sys.exit(f"softlab: {error}")
    main_up(arguments.dir, spec)


main()
