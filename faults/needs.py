"""What a machine must have for a fault: probed on the machine, by sh text.

A software lab with a build of DPVS has no PCI bus, no emulated files, perhaps no kni. A fault that
needs one of these is reported as impossible, with the output of the probe. The kind of device is
not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """`probe`: sh text for the DUT, with the variables of `faults/variables.py`; exit 0 where the
    machine has it. `lacking`: the reason that is reported where it has not. `of_dpvs`: it is a part
    of DPVS that the simulated one does without; all else a lab's own device has to have."""

    probe: str
    lacking: str
    of_dpvs: bool = False


NEEDS: Mapping[str, Need] = {
    "kni": Need(
        'ip link show "$KWAN" >/dev/null && ip link show "$KLAN" >/dev/null',
        "this dpvs has no kni devices",
    ),
    "second-node": Need(
        '[ "$NODE1" != 0 ] && [ -d /sys/devices/system/node/node$NODE1 ]',
        "this machine has one NUMA node",
    ),
    "smt": Need(
        "[ -e /sys/devices/system/cpu/smt/active ]",
        "this kernel does not say whether Hyper-Threading is on",
    ),
    "pci": Need(
        '[ -n "$SPAREPCI" ] && [ -e "/sys/bus/pci/devices/$SPAREPCI" ]',
        "the ports are software ports: no PCI device is behind them, and none is bound",
    ),
    "spare": Need('[ "$SPARE" != "$LAN" ]', "the bench has no port except those of wan and lan"),
    "headers": Need(
        'lsmod >/dev/null 2>&1 && [ -e "/lib/modules/$(uname -r)/build" ]',
        "this kernel has no loadable modules, or no headers are installed for it",
    ),
    "module-file": Need(
        '[ -n "$DRIVER" ] && modinfo -F filename "$DRIVER" >/dev/null 2>&1',
        "no kernel module drives the ports",
    ),
    "packages": Need(
        "[ -w /var/lib/rpm/packages ]", "the bench lists no packages that could be taken away"
    ),
    "sources": Need(
        '[ -d "$DPDKSRC" ] && [ -d "$DPVSSRC" ]', "the bench names no source trees of this build"
    ),
    "devbind": Need('[ -x "$DEVBIND" ]', "the bench names no dpdk-devbind.py"),
    "vhost-net": Need("[ -e /dev/vhost-net ]", "this machine has no /dev/vhost-net"),
    "icmp-worker": Need(
        "grep -q icmp_redirect_core $CONF", "dpvs.conf sets no worker apart for ICMP"
    ),
    "reload": Need(
        "size=$(wc -c <$LOG); kill -HUP $(cat $PIDFILE); sleep 1; "
        "tail -c +$((size+1)) $LOG | grep -q SIGHUP",
        "this dpvs does not read its configuration again",
        of_dpvs=True,
    ),
    "vlans": Need("dpip vlan help >/dev/null 2>&1", "this dpip knows no VLANs", of_dpvs=True),
    "tunnels": Need("dpip tunnel help >/dev/null 2>&1", "this dpip knows no tunnels", of_dpvs=True),
    "limits": Need(
        "dpip qsch help >/dev/null 2>&1", "this dpip knows no rate limits", of_dpvs=True
    ),
    "ipv6-counters": Need(
        "dpip ipv6 help >/dev/null 2>&1", "this dpip has no counters of IPv6 packets", of_dpvs=True
    ),
    "all-options": Need(
        "ipvsadm -h 2>&1 | grep -q synproxy",
        "this ipvsadm has few of upstream's options",
        of_dpvs=True,
    ),
    "keepalived-banner": Need(
        "keepalived -v 2>&1 | grep -q LIBNL", "keepalived does not say that it uses libnl"
    ),
}
