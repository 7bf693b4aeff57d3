"""Driver details of a port in `dpip -v link show` (dump_nic_verbose in link.c)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpvs_acceptance.dpvs.dpip.columns import Table, read_numbers, read_table
from dpvs_acceptance.dpvs.lines import Lines


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Details from the driver, named as printed by dpip.

    pci_addr: `0000:04:00.0` up to 1.9; from 1.10 on only the name of the bus (`pci`, `vdev`). For
    devices without hardware (VLAN, tunnel) both texts are None and all numbers 0. `numbers`: by
    column title.
    """

    pci_addr: str | None
    driver_name: str | None
    numbers: Mapping[str, int]


NAMES = Table(32, ("pci_addr", "driver_name"))
NUMBERS = (
    Table(16, ("if_index", "min_rx_bufsize", "max_rx_pktlen", "max_mac_addrs")),
    Table(16, ("max_rx_queues", "max_tx_queues", "max_hash_addrs", "max_vfs")),
    Table(
        16,
        ("max_vmdq_pools", "rx_ol_capa", "tx_ol_capa", "reta_size"),
        hexadecimal=("rx_ol_capa", "tx_ol_capa"),
    ),
    Table(
        16,
        ("hash_key_size", "flowtype_rss_ol", "vmdq_que_base", "vmdq_que_num"),
        hexadecimal=("flowtype_rss_ol",),
        pushing="flowtype_rss_ol",
    ),
    Table(16, ("rx_desc_max", "rx_desc_min", "rx_desc_align", "vmdq_pool_base")),
    Table(16, ("tx_desc_max", "tx_desc_min", "tx_desc_align", "speed_capa")),
)


def read_device_info(lines: Lines) -> DeviceInfo | None:
    """The tables of `-v`; None if they do not follow."""
    names = read_table(lines, NAMES)
    if names is None:
        return None
    if any(len(name.split()) > 1 for name in names):
        raise lines.previous_error("a PCI address and a driver name, without spaces")
    values: dict[str, int] = {}
    for table in NUMBERS:
        numbers = read_numbers(lines, table)
        if numbers is None:
            raise lines.error(f"the column titles {' '.join(table.titles)}")
        values |= zip(table.titles, numbers, strict=True)
    return DeviceInfo(names[0] or None, names[1] or None, values)
