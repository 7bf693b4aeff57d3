"""Kernel headers and packages (seed 1.2.1)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.observed.dut import DutState
from dpvs_acceptance.verdict.causes import NotSupported, NotTested


@pytest.mark.requirement("S05")
def test_headers_of_the_running_kernel_are_installed(dut: DutState) -> None:
    """Steps: look for the build tree of `uname -r`. Verify: it is there."""
    if not dut.lists_modules:
        raise NotSupported(f"kernel {dut.kernel} has no loadable modules: lsmod fails")
    assert dut.has_headers, (
        f"no headers for the running kernel: /lib/modules/{dut.kernel}/build is missing"
    )


@pytest.mark.requirement("S05")
def test_modules_are_built_for_the_running_kernel(dut: DutState) -> None:
    """Steps: `modinfo -F vermagic` of the PMD's and kni's modules, from files or installed.

    Verify: each is for the kernel that runs.
    """
    if not dut.module_infos:
        raise NotSupported("modinfo knows none of the modules: nothing is loaded on this machine")
    foreign = {
        info.filename: info.vermagic
        for info in dut.module_infos.values()
        if info.vermagic and info.kernel != dut.kernel
    }
    assert not foreign, f"modules not built for the running kernel {dut.kernel}: {foreign}"


@pytest.mark.requirement("S06")
def test_the_packages_that_build_and_tools_need_are_installed(
    dut: DutState, deployment: Deployment
) -> None:
    """Steps: ask the package manager for each package of the bench. Verify: all are installed."""
    wanted = deployment.bench.dut.packages
    if not wanted:
        raise NotTested("the bench lists no packages (dut.packages)")
    missing = [name for name in wanted if name not in dut.packages]
    assert not missing, f"packages missing on the DUT: {', '.join(missing)}"
