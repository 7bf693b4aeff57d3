"""DPDK: patched and completely built (seed 2.1.1, 2.1.2)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.observed.reading import build_artefacts
from dpvs_acceptance.verdict.causes import NotApplicable, NotTested


@pytest.mark.requirement("S07")
def test_every_patch_of_dpvs_is_applied_to_dpdk(dut: DutState, deployment: Deployment) -> None:
    """Steps: for each file of patch/dpdk-*, `patch -p1 -R --dry-run` in the DPDK tree.

    Verify: each could be taken back, so each is applied.
    """
    paths = deployment.bench.dut.dpvs
    if paths.dpdk_source is None or paths.dpvs_source is None:
        raise NotApplicable("the bench names no DPDK source (dut.dpvs.dpdk_source, dpvs_source)")
    assert dut.patches, f"no patch for this DPDK under {paths.dpvs_source}/patch"
    missing = [f"{patch.name} ({patch.state})" for patch in dut.patches if patch.state != "applied"]
    assert not missing, f"not applied to {paths.dpdk_source}: {', '.join(missing)}"


@pytest.mark.requirement("S08")
def test_the_dpdk_build_is_complete(
    dut: DutState, deployment: Deployment, facts: VersionFacts
) -> None:
    """Steps: look for the modules and tools that the steps after this use. Verify: all there."""
    paths = deployment.bench.dut.dpvs
    if paths.devbind is None:
        raise NotTested("the bench names no DPDK build (dut.dpvs.devbind, modules_dir)")
    missing = [
        path for path in build_artefacts(deployment.bench, facts) if path not in dut.artefacts
    ]
    assert not missing, f"the DPDK build is not complete, missing: {', '.join(missing)}"
