"""Kernel headers and packages (deployment guide, 1.2.1)."""

from __future__ import annotations

from dpvs_acceptance.testbed import LOADABLE_MODULES, LoadBalancer
from dpvs_acceptance.verdict.causes import NotSupported, NotTested
from fixtures.checks import needs, requirement


@requirement("S05", core=True)
@needs(LOADABLE_MODULES)
def test_headers_of_the_running_kernel_are_installed(lb: LoadBalancer) -> None:
    """Steps: look for the build tree of `uname -r`. Verify: it exists."""
    build = f"/lib/modules/{lb.state.kernel}/build"
    assert lb.host.file(build).exists, f"no headers for the running kernel: {build} is missing"


@requirement("S05")
def test_modules_are_built_for_the_running_kernel(lb: LoadBalancer) -> None:
    """Steps: `modinfo -F vermagic` of the PMD's and kni's modules, from files or installed.

    Verify: each is for the running kernel.
    """
    infos, kernel = lb.state.module_infos, lb.state.kernel
    if not infos:
        raise NotSupported("modinfo knows none of the modules: nothing is loaded on this machine")
    foreign = {
        info.filename: info.vermagic
        for info in infos.values()
        if info.vermagic and info.kernel != kernel
    }
    assert not foreign, f"modules not built for the running kernel {kernel}: {foreign}"


@requirement("S06", core=True)
def test_the_required_packages_are_installed(lb: LoadBalancer) -> None:
    """Steps: ask the package manager for each package of the bench. Verify: all are installed."""
    wanted = lb.bench.dut.packages
    if not wanted:
        raise NotTested("the bench lists no packages (dut.packages)")
    missing = [name for name in wanted if not lb.host.package(name).is_installed]
    assert not missing, f"packages missing on the DUT: {', '.join(missing)}"
