"""`python -m softlab.wire DIR`: the wire of the lab in this directory; messages come by stdin."""

import json
import os
import signal
import sys
from pathlib import Path

from softlab import kernel
from softlab.fabric import FABRIC
from softlab.ssh import PATH
from softlab.wire.cable import Cable, serve


def main() -> None:
    """Enter the lab's fabric and serve until stdin ends."""
    path = Path(sys.argv[1], FABRIC)
    try:
        fabric = json.loads(path.read_text())
        namespace = f"/proc/{fabric['pid']}/ns/net"
        if Path(namespace).stat().st_ino != fabric["inode"]:
            raise OSError("another process has its number")
        kernel.setns(namespace)
    except OSError as error:
        sys.exit(f"softlab: no lab runs in {path.parent}: {error.strerror or error}")
    # The runner's Ctrl-C is for the runner, which takes the wire away by the end of stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{PATH}"
    serve({one["link"]: Cable(**one) for one in fabric["cables"]})


main()
