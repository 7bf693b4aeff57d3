"""`python -m faults`: every fault of the catalogue, with what it breaks. `--sample N [--seed S]`:
generated ones instead, as `pytest --fault-sample=N --fault-seed=S` makes them."""

import argparse
import signal

from faults.generated import load_generator, sample
from faults.loading import load_faults

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # of `… | head`: ends as other commands do
parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
parser.add_argument("--sample", type=int, metavar="N", help="N generated faults")
parser.add_argument("--seed", type=int, default=load_generator().seed, metavar="S")
asked = parser.parse_args()
if asked.sample is not None:
    for one in load_generator().harmless:
        which = [", ".join(some) for some in (one.deeds, one.legs, one.selections) if some]
        print(f"not drawn: {'; '.join(which)}: {one.because}")
for fault in load_faults() if asked.sample is None else sample(asked.sample, asked.seed):
    print(f"{fault.name:<40} {' '.join(fault.red or fault.green):<10} {fault.breaks}")
