"""DPVS's programs: installed, in PATH, of one build (deployment guide, 2.3)."""

from __future__ import annotations

from dpvs_acceptance.dpvs.versions import Version
from dpvs_acceptance.testbed import LoadBalancer
from fixtures.checks import requirement

TOOLS = ("dpvs", "dpip", "ipvsadm", "keepalived")


@requirement("S16", core=True)
def test_the_tools_in_path_are_those_of_the_installation(lb: LoadBalancer) -> None:
    """Steps: resolve each tool along PATH. Verify: the first one found is the installation's."""
    wrong = []
    for tool in TOOLS:
        installed = f"{lb.bench.dut.dpvs.home}/bin/{tool}"
        matches = lb.state.tools[tool].matches
        if not lb.host.file(installed).exists:
            wrong.append(f"{tool}: {installed} does not exist")
        elif not matches:
            wrong.append(f"{tool}: not in PATH (link {installed} to /sbin, deployment guide, 2.3)")
        elif installed not in matches[0]:
            wrong.append(f"{tool}: PATH finds {matches[0][0]} before {installed}")
    assert not wrong, "the tools in PATH are not the installation's: " + "\n".join(wrong)


@requirement("S16", core=True)
def test_dpvs_has_the_expected_version(lb: LoadBalancer) -> None:
    """Steps: `dpvs -v`. Verify: the version that the bench names."""
    wanted, seen = Version.parse(lb.bench.dut.dpvs.version), lb.state.version
    assert seen == wanted, f"dpvs -v: {wanted} expected, {seen} seen"


@requirement("S16")
def test_dpvs_and_its_tools_are_of_one_build(lb: LoadBalancer) -> None:
    """Steps: the versions of dpip and ipvsadm, where they report one. Verify: dpvs's own."""
    reported, header = {}, lb.state.services.header
    if lb.version.dpip_reports_version:
        reported["dpip -V"] = lb.state.dpip_version
    if lb.version.ipvsadm_reports_version:
        reported["ipvsadm -ln"] = header.version if header else None
    others = {tool: str(v) for tool, v in reported.items() if v != lb.state.version}
    assert not others, f"not from the same build as dpvs {lb.state.version}: {others}"


@requirement("S17", core=True)
def test_keepalived_was_built_for_ipvs_over_libnl(lb: LoadBalancer) -> None:
    """Steps: `keepalived -v`. Verify: LVS among its options, libnl among the system's.

    The deployment guide reads both from configure: `Use IPVS Framework`, `IPVS use libnl`.
    """
    build = lb.state.keepalived
    assert build.ipvs_framework, f"keepalived {build.version} was built without the IPVS framework"
    assert build.ipvs_over_libnl, (
        f"keepalived {build.version} was built without libnl: no IPv6 in IPVS"
    )
