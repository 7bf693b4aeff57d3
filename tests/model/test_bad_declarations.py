"""A wrong topology or bench is one clear sentence with file, line and key, never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.deployment import deploy
from dpvs_acceptance.model.loading import DeclarationError
from dpvs_acceptance.model.topology import load_topology

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "topologies/fnat-two-arm.yaml"
BENCH = ROOT / "benches/lb01.example.yaml"


def written(tmp_path: Path, source: Path, old: str, new: str) -> tuple[Path, int]:
    """The source with one text replaced, and the line at which the replacement stands."""
    text = source.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {source}"
    at = text.index(old)
    path = tmp_path / source.name
    path.write_text(text[:at] + new + text[at + len(old) :])
    return path, text[:at].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("network: 192.168.229.0/24", "network: 10.0.96.0/25", "links.lan.network", "overlaps"),
        ("wan: [10.0.96.204", "wan: [10.0.97.204", "vips.wan.0", "VIP 10.0.97.204 is outside wan"),
        ("per_node: 28672", "per_node: 100", "hugepages.per_node", "less than 1 GB"),
        (
            "    local_addresses: [192.168.229.204]\n",
            "",
            "services.0.local_addresses",
            "has no local address (LIP)",
        ),
        (
            "gateway: 10.0.96.254 ",
            "gateway: 10.0.99.254 ",
            "links.wan.gateway",
            "not in the link's network",
        ),
        ("name: rs1, port: 80", "name: rs9, port: 80", "real_servers", "no real server 'rs9'"),
        ("name: rs1, port: 80", "name: rs1, prot: 80", "services.0.real_servers.0.prot", "unknown"),
        ("scheduler: rr", "scheduler: rrr", "services.0.scheduler", "expected 'rr', 'wrr'"),
        (
            "address: 192.168.229.2,",
            "address: 192.168.229.1,",
            "real_servers.rs2",
            "already the address of rs1",
        ),
        ("client1: {link: wan", "client1: {link: wam", "clients.client1.link", "no link 'wam'"),
        ("title: FullNAT", "titel: FullNAT", "title", "this key is missing"),
    ],
)
def test_a_wrong_topology_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, key: str, words: str
) -> None:
    path, line = written(tmp_path, TOPOLOGY, old, new)
    with pytest.raises(DeclarationError) as caught:
        load_topology(path)
    first = str(caught.value).splitlines()[0]
    assert key in str(caught.value)
    assert words in str(caught.value)
    assert first.startswith(f"{path}:")
    assert abs(int(first.split(":")[1]) - line) <= 7, f"line {line} expected near: {first}"


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("name: eth4", "name: eth2", "dut.nics.1.name", "eth2 is used twice"),
        ('pci: "0000:82:00.0"', 'pci: "0000:04:00.0"', "dut.nics.1.pci", "used twice"),
        (
            'mac: "aa:bb:cc:23:33:35"',
            "mac: nonsense",
            "dut.nics.1.mac",
            "expected text of the form",
        ),
        (
            "      link: wan\n",
            "      link: lan\n",
            "dut.nics.1.link",
            "eth2 and eth4 are both on link 'lan'",
        ),
        ("host: client1", "host: lb01", "clients.client1.host", "lb01 is already used for dut"),
        ("kind: hardware", "kind: hardwear", "kind", "expected 'hardware'"),
    ],
)
def test_a_wrong_bench_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, key: str, words: str
) -> None:
    path, _ = written(tmp_path, BENCH, old, new)
    with pytest.raises(DeclarationError) as caught:
        load_bench(path)
    assert str(path) in str(caught.value)
    assert key in str(caught.value)
    assert words in str(caught.value)


def test_a_bench_without_a_real_server_of_the_topology_is_refused(tmp_path: Path) -> None:
    data: dict[str, Any] = yaml.safe_load(BENCH.read_text())
    del data["real_servers"]["rs2"]
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(DeclarationError, match="real_servers: the topology needs 'rs2'"):
        deploy(load_topology(TOPOLOGY), load_bench(path))


def test_a_bench_without_any_real_server_is_refused(tmp_path: Path) -> None:
    data: dict[str, Any] = yaml.safe_load(BENCH.read_text())
    data["real_servers"] = {}
    path = tmp_path / "bench.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(DeclarationError, match="real_servers: the topology needs 'rs1'"):
        deploy(load_topology(TOPOLOGY), load_bench(path))
    # With --attach nothing is changed, and the DUT alone can be checked.
    assert deploy(load_topology(TOPOLOGY), load_bench(path), without_peers=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("links: [unclosed\n", "not YAML"),
        ("a: 1\na: 2\n", "key 'a' is given twice"),
        ("a: &x 1\nb: *x\n", "anchors and aliases"),
        ("just words\n", "expected a mapping of keys"),
        ("", "expected a mapping of keys"),
        ("a: !!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
)
def test_what_is_not_a_declaration_is_said_to_be_none(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(DeclarationError, match=words) as caught:
        load_topology(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"nowhere.yaml: no such file"):
        load_topology(tmp_path / "nowhere.yaml")
