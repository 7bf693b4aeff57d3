"""`python -m dpvs_acceptance verify RUN`, `… diff A B`, `… matrix RUN…`: of stored runs, no lab.

Exit status: 0 all is well (verify: nothing was altered and the verdict is the same; diff: nothing
newly fails or is newly untested; matrix: always), 1 not so, 3 wrong usage.

Only the name of the command is here. What it does needs the pages, and those know this package.
"""

import signal
import sys

from reports.stored_runs import main

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # of `… | head`: ends as other commands do
sys.exit(main(sys.argv[1:]))
