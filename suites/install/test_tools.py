"""DPVS's programs: there, in PATH, of one build (seed 2.3)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import Version, VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState

TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived")


@pytest.mark.requirement("S16")
def test_the_tools_in_path_are_those_of_the_installation(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: resolve each tool along PATH. Verify: the first one found is the installation's."""
    home = deployment.bench.dut.dpvs.home
    wrong = []
    for tool in TOOLS:
        installed = f"{home}/bin/{tool}"
        matches = dut.tools[tool].matches
        if installed not in dut.artefacts:
            wrong.append(f"{tool}: {installed} does not exist")
        elif not matches:
            wrong.append(f"{tool}: not in PATH (link {installed} to /sbin, seed 2.3)")
        elif installed not in matches[0]:
            wrong.append(f"{tool}: PATH finds {matches[0][0]} before {installed}")
    assert not wrong, "the tools in PATH are not the installation's: " + "\n".join(wrong)


@pytest.mark.requirement("S16")
def test_dpvs_is_of_the_version_expected(dut: DutState, deployment: Deployment) -> None:
    """Steps: `dpvs -v`. Verify: the version that the bench names."""
    wanted = Version.parse(deployment.bench.dut.dpvs.version)
    assert dut.version == wanted, f"dpvs -v: {wanted} expected, {dut.version} seen"


@pytest.mark.requirement("S16")
def test_dpvs_and_its_tools_are_of_one_build(dut: DutState, facts: VersionFacts) -> None:
    """Steps: versions that dpip and ipvsadm report, where they report one. Verify: dpvs's own."""
    reported = {}
    if facts.dpip_reports_version:
        reported["dpip -V"] = dut.dpip_version
    if facts.ipvsadm_reports_version:
        reported["ipvsadm -ln"] = dut.services.header.version if dut.services.header else None
    others = {tool: str(v) for tool, v in reported.items() if v != dut.version}
    assert not others, f"not of one build with dpvs {dut.version}: {others}"


@pytest.mark.requirement("S17")
def test_keepalived_was_built_for_ipvs_over_libnl(dut: DutState) -> None:
    """Steps: `keepalived -v`. Verify: LVS among its options, libnl among the system's.

    The article reads both from configure's summary: `Use IPVS Framework`, `IPVS use libnl`.
    """
    build = dut.keepalived
    assert build.ipvs_framework, f"keepalived {build.version} was built without the IPVS framework"
    assert build.ipvs_over_libnl, (
        f"keepalived {build.version} was built without libnl: no IPv6 in IPVS"
    )
