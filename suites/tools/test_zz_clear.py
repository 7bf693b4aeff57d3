"""All services cleared at once, and added again (ADM-12). The last module of this suite."""

from __future__ import annotations

from dpvs_acceptance.bringup.service import services
from dpvs_acceptance.testbed import NO_UNDO, LoadBalancer
from dpvs_acceptance.verdict.words import mismatch
from fixtures.checks import requirement


@requirement("ADM-12")
def test_all_services_are_cleared_at_once(lb: LoadBalancer) -> None:
    """Steps: add one more service; `ipvsadm -C`; `-ln`; then add every declared service again.

    Verify: no service is left after `-C`; addresses are unchanged. As for every check of this
    suite, the configuration is compared with the earlier one afterwards.
    """
    lb.run("ipvsadm -A -t 198.51.100.1:80 -s rr")
    lb.run("ipvsadm -a -t 198.51.100.1:80 -r 192.0.2.1:80 -b")
    addresses = {str(e.interface) for e in lb.read("dpip -s addr show").addresses}
    again = "\n".join(change.apply for change in services(lb.deployment))
    # A SNAT rule brings its addresses, which are still there, with it.
    pools = [
        f"dpip addr del {owned.address}/{owned.prefix} dev {owned.port}"
        for owned in lb.deployment.addresses
        if owned.use == "pool"
    ]
    lb.run("ipvsadm -C", undo=pools, undo_text=again)
    left = [str(one.id) for one in lb.read("ipvsadm -ln").services.services]
    assert not left, f"`ipvsadm -C` ended with 0, but these are still listed: {left}"
    seen = {str(e.interface) for e in lb.read("dpip -s addr show").addresses}
    assert seen == addresses, mismatch("addresses after -C", expected=addresses, seen=seen)
    lb.run("ipvsadm -A -t 198.51.100.1:80 -s rr")
    lb.run("ipvsadm -D -t 198.51.100.1:80", undo=NO_UNDO)
