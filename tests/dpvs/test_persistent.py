"""`ipvsadm -Ln --persistent-conn`, as DPVS 1.10.2 prints it."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.ipvsadm.persistent import held_clients

SAID = """\
IP Virtual Server version 1.10.2 (size=0)
Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn 
  -> RemoteAddress:Port
TCP  10.0.0.100:80 rr
  -> 192.168.100.2:80             1         0           0          3         
  -> 192.168.100.3:80             1         0           0          3         
TCP  10.0.0.100:81 rr persistent 3
  -> 192.168.100.2:80             1         1           0          6         
  -> 192.168.100.3:80             1         0           0          0         
"""  # noqa: W291


def test_templates_are_counted_by_real_server() -> None:
    assert held_clients(SAID, "tcp", "10.0.0.100:80") == {
        "192.168.100.2:80": 0,
        "192.168.100.3:80": 0,
    }
    assert held_clients(SAID, "tcp", "10.0.0.100:81") == {
        "192.168.100.2:80": 1,
        "192.168.100.3:80": 0,
    }


def test_what_is_not_there_or_not_understood_is_said() -> None:
    with pytest.raises(ValueError, match=r"lists no udp service 10\.0\.0\.100:80"):
        held_clients(SAID, "udp", "10.0.0.100:80")
    with pytest.raises(ValueError, match="cannot parse the line"):
        held_clients(SAID + "  -> what?\n", "tcp", "10.0.0.100:81")
