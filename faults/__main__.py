"""`python -m faults`: every fault that --fault can make, with what it breaks."""

import signal

from faults.model import load_faults

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # of `… | head`: ends as other commands do
for fault in load_faults():
    print(f"{fault.name:<40} {' '.join(fault.red or fault.green):<10} {fault.breaks}")
