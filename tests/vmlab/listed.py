"""What lb01 is like, read by hand, and not by what is tested."""

from __future__ import annotations

from tests.softlab.labs import Lab

# What a cache or a clock changes is not in it.
LISTING = r"""
for pool in /sys/devices/system/node/node*/hugepages/*/{nr,surplus}_hugepages; do
    echo $pool $(cat $pool)
done
grep hugetlbfs /proc/mounts
ls -d /mnt/huge /dev/hugepages/* /var/run/dpdk /var/run/dpvs* /var/lib/dpvs-acceptance 2>/dev/null
for nic in /sys/bus/pci/devices/*; do echo $nic $(readlink $nic/driver); done
for nic in /sys/class/net/*; do echo $nic $(cat $nic/address) $(($(cat $nic/flags) & 1)); done
ip -o addr show | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort
cut -d' ' -f1 /proc/modules | sort
sha256sum /etc/fstab /etc/rc.local /etc/dpvs.conf 2>/dev/null
pgrep -lx dpvs
true
"""


def listing(lab: Lab) -> list[str]:
    return lab.ssh(
        "lb01", f"bash -c '{LISTING.replace(chr(39), chr(34))}'", seconds=60
    ).splitlines()
