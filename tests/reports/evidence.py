"""A run's directory with evidence, for the tests of what is made from it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from dpvs_acceptance.model.requirement import Requirement
from dpvs_acceptance.model.topology import Topology, load_topology
from dpvs_acceptance.verdict.composing import compose
from dpvs_acceptance.verdict.judging import judge
from dpvs_acceptance.verdict.outcomes import CheckResult
from dpvs_acceptance.verdict.signoff import write
from tests.verdict.builders import STARTED, facts

ROOT = Path(__file__).parents[2]
PCAPS = ROOT / "tests" / "traffic" / "pcap"
ARTICLE = load_topology(ROOT / "topologies" / "fnat-two-arm.yaml")


def recorded_topology() -> Topology:
    """The bench on which the recordings were made."""
    return Topology.model_validate(
        {
            "title": "FullNAT",
            "source": "test",
            "links": {
                "wan": {"network": "10.0.0.0/24"},
                "lan": {"network": "192.168.100.0/24"},
            },
            "clients": {"client1": {"link": "wan", "address": "10.0.0.48"}},
            "real_servers": {
                "rs1": {"link": "lan", "address": "192.168.100.2"},
                "rs2": {"link": "lan", "address": "192.168.100.3"},
            },
            "vips": {"wan": ["10.0.0.100"]},
            "services": [
                {
                    "name": "web",
                    "protocol": "tcp",
                    "vip": "10.0.0.100",
                    "port": 80,
                    "local_addresses": ["192.168.100.200"],
                    "real_servers": [{"name": "rs1", "port": 80}, {"name": "rs2", "port": 80}],
                }
            ],
            "hugepages": {"per_node": 1024},
            "name": "recorded",
        }
    )


def captured(directory: Path, folder: str, mode: str = "fnat-tcp") -> tuple[str, ...]:
    """Puts recorded captures where a check would; gives their paths relative to the run."""
    place = directory / "evidence" / "captures" / folder
    place.mkdir(parents=True)
    found = []
    for host, name in (("client1", "client"), ("rs1", "rs1"), ("rs2", "rs2")):
        shutil.copyfile(PCAPS / f"{mode}-{name}.pcap", place / f"{host}.pcap")
        found.append((place / f"{host}.pcap").relative_to(directory).as_posix())
    return tuple(found)


def line(number: int, **more: object) -> dict[str, object]:
    """A line of the transcript."""
    return {
        "number": number,
        "phase": None,
        "check": None,
        "host": "dut",
        "kind": "run",
        "command": "dpip addr show",
        "started": f"2026-01-02T03:04:{number % 60:02}.000Z",
        "seconds": 0.5,
        "exit_status": 0,
        "stdout": "",
        "stderr": "",
        "error": None,
    } | more


def write_run(
    directory: Path,
    requirements: tuple[Requirement, ...],
    results: tuple[CheckResult, ...],
    *,
    topology: Topology = ARTICLE,
    transcript: tuple[dict[str, object], ...] = (),
) -> None:
    """signoff.json, topology and transcript; the files of checks are there already."""
    declared = directory / "evidence" / "declared"
    declared.mkdir(parents=True, exist_ok=True)
    (declared / "topology.json").write_text(topology.model_dump_json())
    lines = "".join(json.dumps(one) + "\n" for one in transcript)
    (directory / "evidence" / "transcript.jsonl").write_text(lines)
    about = replace(facts(directory), transcript="evidence/transcript.jsonl")
    verdict = judge(about.kind, requirements, results)
    finished = STARTED + timedelta(seconds=20)
    write(compose(about, requirements, results, verdict, finished), directory / "signoff.json")
