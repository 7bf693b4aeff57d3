"""The readers of the client's address on the real servers (deployment guide, 4)."""

from __future__ import annotations

from dpvs_acceptance.observed.boot import lasting
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
    """Steps: modules-load.d, modprobe.d, rc.local, units, cron on the RS, in a boot's order.

    Verify: the module is loaded when a boot is over.
    """
    answer = lasting.module(server.read().boot, server.toa_reader.name)
    assert answer.holds, f"{server}: after a reboot the TOA reader is missing: {answer}"
