"""The emulated hardware as a program: see `softlab.emulated.daemon`."""

import sys

from softlab.emulated.daemon import main

sys.exit(main(sys.argv[1:]))
