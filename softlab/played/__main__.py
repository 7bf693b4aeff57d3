"""The played hardware as a program: see `softlab.played.daemon`."""

import sys

from softlab.played.daemon import main

sys.exit(main(sys.argv[1:]))
