"""What differs between the DPVS versions that can be emulated.

Facts from the release notes and from outputs of the real builds; see the page on versions in the
documentation. Every other module asks here instead of comparing version numbers.
"""

from __future__ import annotations

BUILD_DATE = "2026.11.23.14:11:40"


class Version:
    """One version of DPVS; a value, never changed after it is made."""

    def __init__(self, dotted: str) -> None:
        major, minor, patch = (int(part) for part in dotted.split("."))
        number = (major, minor, patch)
        self.dotted = dotted
        self.release = f"{major}.{minor}-{patch}"
        self.options = number >= (1, 9, 4)
        self.header = dotted if number >= (1, 9, 4) else "0.0.0"
        self.ipc_file = "/var/run/dpvs.ipc" if number >= (1, 9, 4) else "/var/run/dpvs_ctrl"
        self.pid_file = "/var/run/dpvs.pid"
        self.conf_file = "/etc/dpvs.conf"
        self.dpip = f"dpip-{self.release}" if number >= (1, 9, 2) else "dpip-v1.0.0"
        self.server_port_copied = number < (1, 9, 4)
        self.ipvs = "v1.9.2" if number >= (1, 9, 4) else "v1.8.8"
        # Before, `ipvsadm -S` knew no name of FullNAT, and each worker began with the first server.
        self.saves_forward = number >= (1, 9, 0)
        self.later_options = number >= (1, 9, 6)  # of ipvsadm: proxy protocol, dest-check
        self.spreads_start = number >= (1, 9, 0)
        self.missing_service_status = 1 if number >= (1, 9, 0) else 255
        self.flush_by_device = number >= (1, 9, 0)
        # What the software port of DPDK 18.11, 20.11 and 24.11 says of itself.
        self.vdev_address = "vdev" if number >= (1, 10, 0) else ""
        self.vdev_longest = 1518 if number >= (1, 10, 0) else 1514
        self.vdev_rx_offloads = 0x4001 if number >= (1, 10, 0) else 0
        self.vdev_tx_offloads = 0x8001 if number >= (1, 9, 0) else 0
        self.shows_hardware_groups = number >= (1, 9, 8)
        self.toa_on_syn = number < (1, 9, 6)
        self.toa_prunes = number >= (1, 9, 6)
        self.lldp = number >= (1, 9, 8)
        self.link_local = number >= (1, 9, 8)
        self.xstats = number >= (1, 9, 6)
        self.allmulticast = number >= (1, 9, 6)
        self.lcore_tables = number >= (1, 9, 0)
        self.late_groups = number >= (1, 9, 0)
        self.late_dpdk = number >= (1, 10, 0)
        self.fast_free = number >= (1, 9, 10)
        self.route_attributes = number < (1, 9, 0)
        self.device_fdir = number < (1, 9, 0)
        self.kni_switch = number >= (1, 9, 4)
        self.kni_virtio = number >= (1, 10, 0)
        # As DPDK 18.11, 20.11 and 24.11 call them.
        eal = "lcore-slave-{}" if number < (1, 9, 0) else "lcore-worker-{}"
        self.worker_thread = "dpdk-worker{}" if number >= (1, 10, 0) else eal
        self.control_threads: tuple[str, ...] = ("eal-intr-thread", "rte_mp_handle")
        if number >= (1, 9, 0):
            # The third, telemetry, was not named yet.
            self.control_threads += ("dpvs",)
        if number >= (1, 10, 0):
            self.control_threads = ("dpdk-intr", "dpdk-mp-msg", "dpdk-telemet-v2")
        self.main_lcore_option = "--main-lcore" if number >= (1, 9, 0) else "--master-lcore"
        self.dpdk = {(1, 8): "18.11.2", (1, 9): "20.11.10", (1, 10): "24.11"}[major, minor]
        self.lcore_error = (
            "netif_lcore_init: bad lcore configuration (error code: {}), exit ..."
            if number >= (1, 9, 4)
            else "[netif_lcore_init] bad lcore configuration (err={}), exit ..."
        )
        # The article's, and that of upstream's README since.
        self.dpdk_driver = "uio_pci_generic" if number >= (1, 9, 0) else "igb_uio"
        # Two keywords came late; older builds only warn about them.
        self.oneway_timeout = number >= (1, 9, 6)
        self.message_numbers = _NUMBERS_1_9_6 if number >= (1, 9, 6) else _NUMBERS_1_8


DEFAULT = "1.10.2"
EMULATED = ("1.10.2", "1.9.10", "1.8.10")

# Numbers of the control messages, as the tools print them when one fails.
_NUMBERS_1_9_6 = {
    "laddr.add": 0,
    "laddr.del": 1,
    "laddr.list": 3,
    "svc.flush": 8,
    "svc.zero": 9,
    "svc.add": 10,
    "svc.edit": 11,
    "svc.del": 12,
    "dest.add": 13,
    "dest.edit": 14,
    "dest.del": 15,
    "info": 18,
    "svc.list": 19,
    "svc.get": 20,
    "dest.list": 21,
    "route.add": 28,
    "route.del": 29,
    "route.set": 30,
    "route.flush": 31,
    "route.list": 32,
    "route6.set": 33,
    "route6.flush": 34,
    "route6.list": 35,
    "addr.add": 47,
    "addr.del": 48,
    "addr.set": 49,
    "addr.flush": 50,
    "addr.list": 51,
    "maddr.list": 52,
    "maddr.get": 66,
    "link.set": 54,
    "lcore.mask": 57,
    "lcore.get": 58,
    "lcore.stats": 59,
    "link.list": 60,
    "link.get": 61,
    "link.stats": 62,
    "link.xstats": 63,
    "link.ext": 64,
    "lldp.list": 69,
    "neigh.add": 70,
    "neigh.del": 71,
    "neigh.list": 72,
    "conn.list": 90,
    "conn.get": 91,
}

# In 1.8 each family of messages has a range of its own, one for setting and one for getting.
_NUMBERS_1_8 = {
    "laddr.add": 100,
    "laddr.del": 101,
    "laddr.list": 100,
    "svc.flush": 200,
    "svc.zero": 201,
    "svc.add": 202,
    "svc.edit": 203,
    "svc.del": 204,
    "dest.add": 205,
    "dest.edit": 206,
    "dest.del": 207,
    "info": 201,
    "svc.list": 202,
    "svc.get": 203,
    "dest.list": 204,
    "route.add": 300,
    "route.del": 301,
    "route.set": 302,
    "route.flush": 303,
    "route.list": 300,
    "route6.set": 6300,
    "route6.flush": 6301,
    "route6.list": 6300,
    "addr.add": 400,
    "addr.del": 401,
    "addr.set": 402,
    "addr.flush": 403,
    "addr.list": 400,
    "link.set": 501,
    "lcore.mask": 500,
    "lcore.get": 501,
    "lcore.stats": 502,
    "link.list": 503,
    "link.get": 504,
    "link.stats": 505,
    "link.ext": 506,
    "neigh.add": 600,
    "neigh.del": 601,
    "neigh.list": 600,
    "conn.list": 1000,
    "conn.get": 1001,
}


SETTINGS = "/etc/dpvs-simulated.json"


def of_host(path: str = SETTINGS) -> Version:
    """The version that this host simulates, from the file that the installation wrote.

    Only that one string is taken from the JSON text: importing the json module would cost a tool
    more time than all it does.
    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
            return Version(file.read().split('"version"', 1)[1].split('"', 2)[1])
    except FileNotFoundError:
        return Version(DEFAULT)
