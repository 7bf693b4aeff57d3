"""`python -m recordings --dpvs-home DIR`: record a build, and hold the simulation against it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dpvs_acceptance.bringup.runner import BringUpError
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.traffic.frame import write_pcap
from dpvs_acceptance.verdict.causes import Blocked
from recordings.compare import packet_differences, text_differences
from recordings.recorder import Recording, record

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="recordings", description=__doc__)
    parser.add_argument("--dpvs-home", type=Path, required=True, help="holds bin/dpvs")
    parser.add_argument("--out", type=Path, default=ROOT / "reports/recordings")
    arguments = parser.parse_args()
    home = arguments.dpvs_home.resolve()
    if not (home / "bin/dpvs").is_file():
        sys.exit(f"recordings: there is no {home}/bin/dpvs")
    topology = load_topology(ROOT / "topologies/fnat-two-arm.yaml")
    try:
        real = record(topology, home, "")
        simulated = record(topology, None, real.version)
    except (Blocked, BringUpError, HostError) as error:
        sys.exit(f"recordings: {error}")
    for name, recording in (("real", real), ("simulated", simulated)):
        _write(recording, arguments.out / f"v{real.version}" / name)
    print(f"DPVS {real.version}: {len(real.texts)} outputs, {len(real.frames)} captures")
    texts, packets = text_differences(real, simulated), packet_differences(real, simulated)
    for kind, found in (("output", texts), ("packets", packets)):
        for name, lines in found.items():
            print(f"\n{kind} {name}:")
            print("\n".join(f"  {line}" for line in lines))
    print(f"\n{len(texts)} outputs and {len(packets)} captures differ; both are in {arguments.out}")


def _write(recording: Recording, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in recording.texts.items():
        (folder / f"{name}.txt").write_text(text)
    for name, frames in recording.frames.items():
        write_pcap(folder / f"{name}.pcap", frames)


main()
