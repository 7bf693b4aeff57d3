"""DPDK: patched and completely built (deployment guide, 2.1.1, 2.1.2)."""

from __future__ import annotations

from dpvs_acceptance.observed.reading import build_artefacts
from dpvs_acceptance.testbed import DPDK_BUILD, DPDK_SOURCE, LoadBalancer
from fixtures.checks import needs, requirement


@requirement("S07", core=True)
@needs(DPDK_SOURCE)
def test_every_patch_of_dpvs_is_applied_to_dpdk(lb: LoadBalancer) -> None:
    """Steps: for each file of patch/dpdk-*, `patch -p1 -R --dry-run` in the DPDK tree.

    Verify: each could be reverted, so each is applied.
    """
    paths, patches = lb.bench.dut.dpvs, lb.state.patches
    assert patches, f"no patch for this DPDK under {paths.dpvs_source}/patch"
    missing = [f"{patch.name} ({patch.state})" for patch in patches if patch.state != "applied"]
    assert not missing, f"not applied to {paths.dpdk_source}: {', '.join(missing)}"


@requirement("S08", core=True)
@needs(DPDK_BUILD)
def test_the_dpdk_build_is_complete(lb: LoadBalancer) -> None:
    """Steps: look for the modules and tools that later steps use. Verify: all exist."""
    paths = build_artefacts(lb.bench, lb.version)
    missing = [path for path in paths if not lb.host.file(path).exists]
    assert not missing, f"the DPDK build is not complete, missing: {', '.join(missing)}"
