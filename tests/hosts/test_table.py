"""The table of connections is not read where it is large, on a real host with a tool's output."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dpvs_acceptance.dpvs.versions import Version, facts
from dpvs_acceptance.hosts.connection import Host
from dpvs_acceptance.model.bench import load_bench
from dpvs_acceptance.model.topology import load_topology
from dpvs_acceptance.testbed.readings import Look
from dpvs_acceptance.verdict.causes import NotTested

ROOT = Path(__file__).parents[2]
# Each call is noted; two real servers have 400,000 connections.
IPVSADM = r"""#!/bin/sh
echo "$*" >>%s
case "$*" in
-ln) echo "IP Virtual Server version 1.10.2 (size=0)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.1:80 wlc
  -> 198.51.100.1:80              FullNat 1      250000     0
  -> 198.51.100.2:80              FullNat 1      100000     50000" ;;
esac
"""


@pytest.mark.parametrize(("most", "read"), [(None, True), (400_000, True), (10_000, False)])
def test_a_large_table_is_not_read(
    host: Host, tmp_path: Path, most: int | None, read: bool
) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ipvsadm").write_text(IPVSADM % asked)
    (tmp_path / "bin/ipvsadm").chmod(0o755)
    data = yaml.safe_load((ROOT / "benches/lb01.example.yaml").read_text())
    data["dut"]["dpvs"] |= {"version": "1.10.2", "home": str(tmp_path)}
    (tmp_path / "bench.yaml").write_text(yaml.safe_dump(data))
    topology = load_topology(ROOT / "topologies/fnat-two-arm.yaml")
    version = facts(Version.parse("1.10.2"))
    look = Look(host, load_bench(tmp_path / "bench.yaml"), topology, version, most)
    if read:
        assert look("ipvsadm -lnc").connections == ()
    else:
        with pytest.raises(NotTested, match=r"list 400,000 connections: .* up to 10,000$"):
            look("ipvsadm -lnc")
    assert ("-lnc" in asked.read_text().splitlines()) is read
    assert look("ipvsadm -ln").services.services, "other readings are made"
