"""The readers of the client's address on the real servers (seed 4)."""

from __future__ import annotations

import pytest

from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.verdict.causes import NotTested
from fixtures.state import Servers

pytestmark = [pytest.mark.requirement("S32"), pytest.mark.usefixtures("readers")]


def test_the_toa_reader_is_loaded(
    servers: Servers, deployment: Deployment, server_name: str
) -> None:
    """Steps: lsmod on the RS. Verify: the module that the bench names is there."""
    reader = deployment.bench.real_servers[server_name].toa
    if reader is None:
        raise NotTested(f"the bench names no TOA reader for {server_name} (real_servers.*.toa)")
    modules = servers.look(server_name).modules
    assert reader.name in modules, f"{server_name}: TOA reader {reader.name} is not loaded"


def test_the_toa_reader_is_loaded_again_after_a_reboot(
    servers: Servers, deployment: Deployment, server_name: str
) -> None:
    """Steps: rc.local and modules-load.d on the RS. Verify: one of them loads the module."""
    reader = deployment.bench.real_servers[server_name].toa
    if reader is None:
        raise NotTested(f"the bench names no TOA reader for {server_name} (real_servers.*.toa)")
    lines = servers.look(server_name).boot_lines
    wanted = (reader.module, reader.name)
    loading = [line for line in lines if any(word in line.split() for word in wanted)]
    assert loading, (
        f"{server_name}: after a reboot the TOA reader is missing: no line at boot names "
        f"{reader.module} or {reader.name}"
    )
