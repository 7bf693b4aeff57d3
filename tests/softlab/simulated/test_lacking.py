"""Forwarding modes that the simulated DPVS lacks are unknown options of its ipvsadm."""

from __future__ import annotations

import pytest

from softlab.simulated.tools import ipvsargs

SERVICE = ["-t", "10.0.0.1:80"]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["-a", *SERVICE, "-r", "10.0.0.2:80", "-g", "-w", "1"], "-g"),
        (["-a", *SERVICE, "-r", "10.0.0.2:80", "-i", "-w", "1"], "-i"),
        (["-a", *SERVICE, "-r", "10.0.0.2:80", "-m", "-w", "1"], "-m"),
        (["-A", *SERVICE, "-s", "rr", "-j", "enable"], "-j"),
        (["-A", *SERVICE, "-s", "rr", "-p", "60"], "-p"),
        (["-A", "-s", "rr", "-H", "proto=tcp,oif=dpdk1"], "-H"),
    ],
)
def test_what_it_lacks_it_does_not_know(
    words: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        ipvsargs.parse(words)
    assert left.value.code == 255
    assert capsys.readouterr().err == f"{option}: unknown option\n"
