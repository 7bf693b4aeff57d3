"""`python -m softlab.lag --groups JSON --control SOCKET`, in the network namespace of the fabric.

The JSON is a list of {"mode": 4, "cables": {"eth4": "lb01-eth4", ...}, "bridge": "port-wan"}.
"""

import argparse
import json
from pathlib import Path

from softlab import kernel
from softlab.lag.cables import Group, serve

parser = argparse.ArgumentParser(prog="softlab.lag")
parser.add_argument("--groups", required=True)
parser.add_argument("--control", type=Path, required=True)
asked = parser.parse_args()
kernel.die_with_parent(9)
serve(
    [Group(one["mode"], one["cables"], one["bridge"]) for one in json.loads(asked.groups)],
    asked.control,
)
