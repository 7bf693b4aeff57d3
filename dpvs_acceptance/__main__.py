"""`dpvs-acceptance verify RUN`, `… diff A B`, `… matrix RUN…`: of stored runs, no lab; `… init`:
a repository of a site. In a clone: `python -m dpvs_acceptance`.

`… check-conf FILE`, `… explain LOG`: of a user's own files; `… bench init`: writes a bench file.
Exit status: 0 all is well (verify: nothing was altered and the verdict is the same; diff: nothing
newly fails or is newly untested; matrix: always; the others: nothing found, nothing missing), 1 not
so, 2 a host cannot be reached, 3 wrong usage.

Only the names of the commands are here. What those of stored runs do needs the pages, and those
know this package.
"""

import signal
import sys

from dpvs_acceptance.dpvs import own_files
from dpvs_acceptance.entry import add_own_packages


def command() -> int:
    """The command line."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # of `… | head`: ends as other commands do
    asked = sys.argv[1:]
    if asked and asked[0] in own_files.COMMANDS:
        return own_files.main(asked)
    if asked[:2] == ["bench", "init"]:
        from dpvs_acceptance.bringup import bench_command

        return bench_command.main(asked[2:])
    add_own_packages()
    from reports import stored_runs  # takes a second, and only these need it

    return stored_runs.main(asked)


if __name__ == "__main__":
    sys.exit(command())
