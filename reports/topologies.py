"""The topologies' page and their drawings in the documents, made from the topologies themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dpvs_acceptance.model.topology import Topology, load_topology
from reports.drawing import svg_file
from reports.language import speaker
from reports.topology_picture import draw_topology

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/topologies.md"

_HEAD = """\
# Topologies

Made by `python -m reports topologies` from the files in `topologies/`; edit those. Choose with
`pytest --topology=NAME`, several with `--topology=A,B`, or `all`; `--plan` says what one means on
a bench. The drawings show roles and addresses; which machines play them is the bench's.

Links called `wan` and `lan` are where the software lab has them; it places each client and real
server on the link that the topology says. On hardware the bench has to be wired that way.

| topology | forwarding | families | judged by |
|---|---|---|---|
"""


def pages(paths: Sequence[Path]) -> Mapping[Path, str]:
    """Each file that the documents have of these topologies, with its text."""
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    topologies = {path: load_topology(path) for path in texts}
    say = speaker("en")
    made = {
        PAGE.parent / f"topologies/{one.name}.svg": svg_file(
            draw_topology(one, None, say), one.name
        )
        for one in topologies.values()
    }
    rows = "".join(_row(one) for one in topologies.values())
    parts = "".join(_part(one, texts[path]) for path, one in topologies.items())
    return {PAGE: _HEAD + rows + parts, **made}


def documented() -> list[Path]:
    """The project's own topologies: those with a drawing. A user's file has none and needs none."""
    drawn = {path.stem for path in PAGE.parent.glob("topologies/*.svg")}
    return [path for path in _all() if path.stem in drawn]


def _all() -> list[Path]:
    return sorted((ROOT / "topologies").glob("*.yaml"))


def write() -> None:
    """Writes those of all topologies that there are: with that a new one is the project's."""
    for path, text in pages(_all()).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


_MODES = {"fullnat": "FullNAT", "nat": "NAT", "dr": "DR", "tunnel": "tunnel", "snat": "SNAT"}
_FAMILIES = {(4, 4): "4to4", (6, 6): "6to6", (6, 4): "6to4"}


def _row(topology: Topology) -> str:
    used = {one.forwarding for one in topology.services} | {one.forwarding for one in topology.snat}
    modes = [word for key, word in _MODES.items() if key in used]
    if any(one.synproxy for one in topology.services):
        modes.append("SYN proxy")
    families = {(one.vip.version, one.server_family) for one in topology.services}
    families |= {(4, 4)} if topology.snat else set()
    families_named = [word for key, word in _FAMILIES.items() if key in families]
    return (
        f"| [{topology.name}](#{topology.name}) | {', '.join(modes)} | {', '.join(families_named)} "
        f"| {', '.join(topology.requirements)} |\n"
    )


def _part(topology: Topology, text: str) -> str:
    """Its title, what the file says at its top, where it comes from, and its drawing."""
    said = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if "yaml-language-server" not in line:
            said.append(line.removeprefix("#").strip())
    return (
        f"\n## {topology.name}\n\n**{topology.title}** ({topology.source}; "
        f"[`{topology.name}.yaml`](../topologies/{topology.name}.yaml))\n\n"
        + "\n".join(said)
        + f"\n\n![{topology.title}](topologies/{topology.name}.svg)\n"
    )
