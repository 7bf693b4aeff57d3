"""`python -m dpvs_acceptance verify RUN`, `… diff A B`, `… matrix RUN…`: of stored runs, no lab.

`… check-conf FILE`, `… explain LOG`: of a user's own files. Exit status: 0 all is well (verify:
nothing was altered and the verdict is the same; diff: nothing newly fails or is newly untested;
matrix: always; the others: nothing found), 1 not so, 3 wrong usage.

Only the names of the commands are here. What those of stored runs do needs the pages, and those
know this package.
"""

import signal
import sys

from dpvs_acceptance.dpvs import own_files

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # of `… | head`: ends as other commands do
asked = sys.argv[1:]
if asked and asked[0] in own_files.COMMANDS:
    sys.exit(own_files.main(asked))

from reports import stored_runs  # noqa: E402 - takes a second, and only these need it

sys.exit(stored_runs.main(asked))
