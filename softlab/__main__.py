"""Command line: `python -m softlab up --dir DIR [--spec FILE.json]`, or `bench`."""

import argparse
import sys
from pathlib import Path

from softlab.asked import read_spec
from softlab.bench import as_yaml, bench
from softlab.spec import LabSpec, SpecError
from softlab.supervisor import main_up


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="softlab", description="The software lab of one machine")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a lab; it ends at the end of stdin or by a signal")
    up.add_argument("--dir", type=Path, required=True, help="where the lab writes its bench file")
    shown = commands.add_parser("bench", help="print the bench file of a lab, and start nothing")
    for command in (up, shown):
        command.add_argument("--spec", type=Path, help="what to build, as JSON; all has a default")
    arguments = parser.parse_args()
    spec = LabSpec()
    if arguments.spec is not None:
        try:
            spec = read_spec(arguments.spec.read_text(), str(arguments.spec))
        except OSError as error:
            sys.exit(f"softlab: {arguments.spec}: {error.strerror}")
        except SpecError as error:
            sys.exit(f"softlab: {error}")
    if arguments.command == "bench":
        print(as_yaml(bench(spec)), end="")
    else:
        main_up(arguments.dir, spec)


main()
