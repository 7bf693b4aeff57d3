"""Everything cleared at once, and everything declared put back (ADM-12). The last of this suite."""

from __future__ import annotations

import pytest

from dpvs_acceptance.bringup.service import services
from dpvs_acceptance.model.deployment import Deployment
from dpvs_acceptance.verdict.words import mismatch
from fixtures.operator import OWN, Operator
from fixtures.state import Look


@pytest.mark.requirement("ADM-12")
def test_all_services_are_cleared_at_once(
    operator: Operator, look: Look, deployment: Deployment
) -> None:
    """Steps: one more service; `ipvsadm -C`; `-ln`; then every declared service is added again.

    Verify: no service is left after `-C`; addresses are left alone. That all is as before is what
    ends every check of this suite.
    """
    operator.does("ipvsadm -A -t 198.51.100.1:80 -s rr")
    operator.does("ipvsadm -a -t 198.51.100.1:80 -r 192.0.2.1:80 -b")
    addresses = {str(e.interface) for e in look("dpip -s addr show").addresses}
    again = "\n".join(change.apply for change in services(deployment))
    # A SNAT rule brings its addresses, which are still there, with it.
    pools = [
        f"dpip addr del {owned.address}/{owned.prefix} dev {owned.port}"
        for owned in deployment.addresses
        if owned.use == "pool"
    ]
    operator.does("ipvsadm -C", undo=pools, undo_text=again)
    left = [str(one.id) for one in look("ipvsadm -ln").services.services]
    assert not left, f"`ipvsadm -C` ended with 0, and there are still {left}"
    seen = {str(e.interface) for e in look("dpip -s addr show").addresses}
    assert seen == addresses, mismatch("addresses after -C", expected=addresses, seen=seen)
    operator.does("ipvsadm -A -t 198.51.100.1:80 -s rr")
    operator.does("ipvsadm -D -t 198.51.100.1:80", undo=OWN)
