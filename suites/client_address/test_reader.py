"""The readers of the client's address on the real servers (deployment guide, 4)."""

from __future__ import annotations

from dpvs_acceptance.testbed import READERS, RealServer, servers
from fixtures.checks import for_each, needs, requirement

pytestmark = needs(READERS)


@requirement("S32", core=True)
@for_each(server=servers)
def test_the_toa_reader_is_loaded(server: RealServer) -> None:
    """Steps: lsmod on the RS. Verify: the module that the bench names is loaded."""
    reader = server.toa_reader
    assert reader.name in server.read().modules, f"{server}: TOA reader {reader.name} is not loaded"


@requirement("S32")
@for_each(server=servers)
def test_the_toa_reader_is_loaded_at_boot(server: RealServer) -> None:
    """Steps: rc.local and modules-load.d on the RS. Verify: one of them loads the module."""
    reader = server.toa_reader
    names = (reader.module, reader.name)
    loading = [line for line in server.read().boot_lines if any(n in line.split() for n in names)]
    assert loading, (
        f"{server}: after a reboot the TOA reader is missing: no boot script names "
        f"{reader.module} or {reader.name}"
    )
