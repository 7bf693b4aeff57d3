"""`python -m dpvs_acceptance verify RUN`, `… sign`, `… diff`, `… matrix`: of stored runs, no lab.

Exit status: 0 all is well (verify: nothing was altered and the verdict is the same; diff: nothing
newly fails or is newly untested; matrix: always), 1 not so, 3 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from dpvs_acceptance.dpvs import own_files
from dpvs_acceptance.model.site import INSTALLED, site_here
from dpvs_acceptance.new_site import CI, SiteExistsError, write_site
from dpvs_acceptance.verdict.comparing import to_lines
from dpvs_acceptance.verdict.judging import EXIT_NOT_READY, EXIT_READY, EXIT_USAGE
from dpvs_acceptance.verdict.matrix import make_matrix
from dpvs_acceptance.verdict.matrix import to_lines as matrix_lines
from dpvs_acceptance.verdict.signoff import SignOff, from_text
from dpvs_acceptance.verdict.suite import is_suite
from dpvs_acceptance.verdict.verifying import verify
from dpvs_acceptance.verdict.words import first_line, printable
from reports.building import exports, read_page, render, render_comparison, render_matrix
from reports.compared_runs import compare_runs
from reports.fleet_pages import fleet_lines
from reports.signed_runs import sign_run, signature_problems

PROGRAM = "dpvs-acceptance" if INSTALLED else "python -m dpvs_acceptance"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> int:
    parser = _Parser(prog=PROGRAM, description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    verifying = commands.add_parser("verify", help="was a run altered, is its verdict the same?")
    verifying.add_argument("run", type=Path, help="reports/runs/<run>, or a copy of it elsewhere")
    verifying.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="whose signatures count, as in ssh-keygen(1); a run without one then fails",
    )
    verifying.add_argument(
        "--signers", type=int, default=1, metavar="N", help="how many of them have to have signed"
    )
    verifying.add_argument(
        "--timestamp-ca",
        type=Path,
        metavar="FILE",
        help="certificates to check time stamps by",
    )
    signing = commands.add_parser("sign", help="sign a run with an ssh key")
    signing.add_argument("run", type=Path, help="reports/runs/<run>")
    signing.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="private key, or the public one of a key that ssh-agent holds",
    )
    signing.add_argument(
        "--timestamp", default="", metavar="URL", help="RFC 3161 service that stamps the signature"
    )
    comparing = commands.add_parser("diff", help="what changed from one run to another?")
    comparing.add_argument("first", type=Path)
    comparing.add_argument("second", type=Path)
    comparing.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    matrix = commands.add_parser("matrix", help="versions by requirements, from several runs")
    matrix.add_argument("runs", type=Path, nargs="+", metavar="run")
    matrix.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    for name, words in own_files.COMMANDS.items():  # answered by that module: named in --help
        commands.add_parser(name, help=words)
    fleet = commands.add_parser("fleet", help="many balancers on one page: rows, drift, trends")
    fleet.add_argument(
        "runs", type=Path, nargs="+", metavar="run", help="of each balancer the newest one counts"
    )
    fleet.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    beginning = commands.add_parser("init", help="write a site's own repository")
    beginning.add_argument("folder", type=Path, nargs="?", default=Path())
    beginning.add_argument("--ci", choices=sorted(CI), default="github", help="whose pipeline")
    commands.add_parser("bench", help="bench init: a bench file from its hosts, by ssh")
    options = parser.parse_args(arguments)
    if options.command == "bench":
        parser.error("the command is `bench init`")
    if options.command == "init":
        return _init(options.folder, options.ci)
    named = [getattr(options, n) for n in ("run", "first", "second") if n in options]
    for directory in [*named, *getattr(options, "runs", ())]:
        if not (directory / "signoff.json").is_file():
            print(f"{directory} is no run: it has no signoff.json", file=sys.stderr)
            return EXIT_USAGE
    if options.command == "sign":
        return sign_run(options.run, options.key, options.timestamp)
    if options.command == "verify":
        return _verify(options)
    if options.command == "fleet":
        return _fleet(options.runs, options.html)
    if options.command == "matrix":
        return _matrix(options.runs, options.html)
    return _diff(options.first, options.second, options.html)


def _init(folder: Path, ci: str) -> int:
    try:
        written = write_site(folder, ci)
    except (OSError, SiteExistsError) as error:
        print(f"init: {error}", file=sys.stderr)
        return EXIT_USAGE
    for name in written:
        print(folder / name)
    print("next: pytest --topology=ours, on the software lab; docs/your-own-repository.md")
    return EXIT_READY


def _verify(options: argparse.Namespace) -> int:
    directory: Path = options.run
    site = site_here(Path.cwd()).root
    for given in (options.allowed_signers, options.timestamp_ca):
        if given is not None and not given.is_file():
            print(f"{given}: there is no such file", file=sys.stderr)
            return EXIT_USAGE
    found = verify(directory)
    print(f"manifest: sha256 {found.manifest or 'none'}, {found.files} files")
    print(f"repeated on the evidence: {found.replayed} checks")
    if found.not_replayed:
        print(f"not repeated, only their outcomes compared: {len(found.not_replayed)} checks")
        for node, reason in found.not_replayed.items():
            print(f"  {node}: {first_line(reason)}")
    problems = list(found.problems)
    problems += signature_problems(
        directory, options.allowed_signers, options.timestamp_ca, options.signers
    )
    strange = _strange_pages(directory)
    if strange and is_suite(found.commit, site):
        problems += [f"{name}: is not what the evidence makes" for name in strange]
    elif strange:
        print(
            f"not compared: {', '.join(strange)}, which suite {found.commit or 'unknown'} made; "
            "this one makes other pages of the same evidence"
        )
    for problem in problems:
        print(f"DIFFERENT: {problem}")
    if problems:
        print(f"{len(problems)} differences: this is not what the run left")
        if not is_suite(found.commit, site):
            print(
                f"the run was made by suite {found.commit or 'unknown'}, and this is another one: "
                "differences of catalogues and checks may be the suites'"
            )
        return EXIT_NOT_READY
    what = "nothing else was" if strange else "nothing was"
    print(f"{what} altered; the verdict is the same: {found.verdict}")
    return EXIT_READY


def _strange_pages(directory: Path) -> list[str]:
    """Pages that this suite would not make of the run, in either language."""
    try:
        strange: dict[str, str] | None = None
        for language in ("", "en", "zh"):  # its own language first: mostly that is all
            made = render(read_page(directory, language)) | exports(directory)
            if strange is None:
                strange = {
                    name: (directory / name).read_text(encoding="utf-8")
                    for name in made
                    if (directory / name).is_file()
                }
            strange = {name: text for name, text in strange.items() if text != made[name]}
            if not strange:
                break
        return list(strange or ())
    except (OSError, ValidationError, UnicodeDecodeError):
        return []  # already among the problems


def _diff(first: Path, second: Path, html: Path | None) -> int:
    try:
        comparison = compare_runs(first, second)
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        print(f"cannot compare: {first_line(str(error))}", file=sys.stderr)
        return EXIT_USAGE
    if html is not None and not _written(html, render_comparison(comparison)):
        return EXIT_USAGE
    for line in to_lines(comparison):
        print(printable(line))
    return EXIT_NOT_READY if comparison.failing or comparison.untested else EXIT_READY


def _matrix(runs: Sequence[Path], html: Path | None) -> int:
    try:
        matrix = make_matrix([_read(run) for run in runs])
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        print(f"cannot be put side by side: {first_line(str(error))}", file=sys.stderr)
        return EXIT_USAGE
    if html is not None and not _written(html, render_matrix(matrix)):
        return EXIT_USAGE
    for line in matrix_lines(matrix):
        print(printable(line))
    return EXIT_READY


def _fleet(runs: Sequence[Path], html: Path | None) -> int:
    try:
        for line in fleet_lines(runs, None, html):
            print(printable(line))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        print(f"no page of the fleet: {first_line(str(error))}", file=sys.stderr)
        return EXIT_USAGE
    return EXIT_READY


def _written(path: Path, text: str) -> bool:
    """Called before the lines are printed, which a reader may cut off (`… | head`)."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"--html={path}: no page can be written: {error.strerror}", file=sys.stderr)
        return False
    print(f"page: {path}")
    return True


def _read(directory: Path) -> SignOff:
    return from_text((directory / "signoff.json").read_text(encoding="utf-8"))
