"""numactl -H: the nodes of this host, as in the article (seed 2.1.3)."""

import sys
from pathlib import Path

_NODES = Path("/sys/devices/system/node")


def main(arguments: list[str]) -> int:
    if arguments not in (["-H"], ["--hardware"]):
        print("numactl: only -H and --hardware are emulated", file=sys.stderr)
        return 1
    nodes = _numbers((_NODES / "online").read_text())
    print(f"available: {len(nodes)} nodes ({(_NODES / 'online').read_text().strip()})")
    for node in nodes:
        here = _NODES / f"node{node}"
        cpus = " ".join(str(cpu) for cpu in _numbers((here / "cpulist").read_text()))
        memory = {}
        for line in (here / "meminfo").read_text().splitlines():
            _, _, key, value, *_ = line.split()
            memory[key] = int(value)
        print(f"node {node} cpus: {cpus}")
        print(f"node {node} size: {memory['MemTotal:'] // 1024} MB")
        print(f"node {node} free: {memory['MemFree:'] // 1024} MB")
    print("node distances:")
    print("node " + "".join(f"{node:>3} " for node in nodes))
    for node in nodes:
        distances = (_NODES / f"node{node}" / "distance").read_text().split()
        print(f"{node:>3}: " + "".join(f"{distance:>3} " for distance in distances))
    return 0


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in filter(None, text.strip().split(",")):
        low, _, high = part.partition("-")
        found.extend(range(int(low), int(high or low) + 1))
    return found
