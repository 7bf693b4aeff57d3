"""More known lines: of the kernel, of drivers, and those that people met and asked about.

Data for diagnosis.py, as in signatures.py.
"""

from __future__ import annotations

from dpvs_acceptance.dpvs.signature import LOOK_MEMORY, MEMORY, row

_NO_RTE_FLOW = (
    "the NIC or its driver has no rule (rte_flow) that steers packets of a LIP to their worker"
)
_LOOK_FLOW = (
    "one worker and `sa_pool flow_enable off`, or `conn redirect on` (bench: dut.flow_enable, "
    "dut.redirect)"
)

MET = (
    row(
        r"dpvs was ended by signal SIGILL",
        "fatal",
        "dpvs uses instructions that this CPU does not have",
        "DPDK or DPVS was built with -march=native on another CPU",
        "grep flags /proc/cpuinfo; build DPDK with -Dplatform=generic",
        "SIGILL",
    ),
    row(
        r"dpvs was ended by signal (SIG(?!ILL)\w+)",
        "fatal",
        "dpvs was ended by {1}",
        "a crash (SIGSEGV, SIGABRT, SIGBUS), or another process ended it (SIGKILL: perhaps the "
        "kernel, out of memory)",
        "dmesg for `segfault`, `traps:` and `Out of memory`; more than 64 CPUs without -l before "
        "1.9.8",
        "#946 #809 #991",
    ),
    row(
        r"(?:dpvs|lcore-\S+|dpdk-worker\S*)\[\d+\]:? (?:segfault at|general protection)",
        "fatal",
        "a thread of dpvs crashed, by the kernel's log",
        "a defect, or memory that was not there; before 1.9.8 more than 64 CPUs without -l",
        "the log lines of dpvs before it; the version's release notes",
        "#929 #946",
    ),
    row(
        r"Segmentation fault|: Assertion `.*' failed",
        "error",
        "the program crashed",
        "a defect, or memory that was not there",
        "dmesg, and the log lines before it",
        "#946 #809",
    ),
    row(
        r"toa: version magic|uoa: version magic|igb_uio: version magic|disagrees about version of",
        "error",
        "a kernel module was built for another kernel",
        "the kernel was updated after the module was built",
        "modinfo -F vermagic FILE against uname -r; build it again",
        "#571",
    ),
    row(
        r"(?:RIP|IP):.*\[(toa|uoa)\]",
        "error",
        "the module {1} crashed in the kernel",
        "a kernel that this version of the module does not support",
        "uname -r; dmesg; a newer kmod/{1} of upstream",
        "PR#554 #571 #1012",
    ),
    row(
        r"BUG: unable to handle|Oops: ",
        "error",
        "the kernel had a fault",
        "a module, if its name is in the lines that follow",
        "dmesg: the line with RIP or IP, and `Modules linked in`",
        "PR#554",
    ),
    row(
        r"ifa_entry_add: add ifaddr (\S+) failed -- no (resource|memory)",
        "error",
        "address {1} was not added on a worker: no {2}",
        _NO_RTE_FLOW,
        _LOOK_FLOW,
        "ifaddr.c, #824",
    ),
    row(
        r"add (\S+) in ifa_add_set failed",
        "error",
        "address {1} was not added",
        _NO_RTE_FLOW,
        _LOOK_FLOW,
        "inetaddr.c, #824",
    ),
    row(
        r"errcode set in .*: failed dpdk api",
        "error",
        "DPDK refused what a tool asked for",
        "with --add-laddr: " + _NO_RTE_FLOW,
        "DPVS's log at that time; " + _LOOK_FLOW,
        "#56 #228",
    ),
    row(
        r"(\w+_flow_create)\(\): (Failed to create flow)",
        "error",
        "the NIC's driver refused a flow rule ({1})",
        _NO_RTE_FLOW,
        _LOOK_FLOW,
        "#767",
    ),
    row(
        r"fail to flush FDIR filters for device (\S+)",
        "warning",
        "old flow rules of {1} could not be removed",
        "the NIC or its driver has no flow rules",
        _LOOK_FLOW,
        "#375",
    ),
    row(
        r"fail to send pkts to kni",
        "warning",
        "packets for the kernel were dropped at a kni device",
        "kni is served by the master, which is too slow under load; health checks and routing "
        "daemons lose packets",
        "a worker of `type kni` in worker_defs (1.8 and later); `ip -s link show`",
        "#457 #467 #719",
    ),
    row(
        r"fail(?:ed)? to config(?: device)? (\S+)|(Port\d+) dev_configure = (-?\d+)",
        "error",
        "port {1}{2} could not be configured",
        "the NIC refuses queues, RSS, offloads or MTU that were asked for",
        "the driver's own line before it; queue_number and rss of the device, number of workers",
        "netif.c, #798",
    ),
    row(
        r"Unsupported Rx multi queue mode",
        "error",
        "the NIC's driver has no receive side scaling",
        "virtio without several queues, with `rss` in dpvs.conf",
        "one worker and one queue, `rss none`; vectors and queues of the virtual machine's NIC",
        "#798 #59",
    ),
    row(
        r"failed to setup (rx|tx) queue (-?\d+)",
        "error",
        "a {1} queue could not be set up (error {2})",
        "too many descriptors or queues for this NIC",
        "descriptor_number and queue_number of the device",
        "netif.c",
    ),
    row(
        r"rte_eth_dev_start failed",
        "error",
        "a port could not be started",
        "the NIC's driver refused it",
        "the driver's own line before it",
        "netif.c",
    ),
    row(
        r"Requested device (\S+) cannot be used",
        "error",
        "DPDK cannot use the NIC {1}",
        "it has a kernel driver, its IOMMU group is in use, or this build has no driver for it",
        "dpdk-devbind.py --status; dmesg for vfio and igb_uio",
        "EAL, #975",
    ),
    row(
        r"no Verbs device matches PCI device (\S+?),|Failed to load driver (mlx\d_\w+)",
        "error",
        "the Mellanox driver cannot use {1}{2}",
        "the kernel driver is not loaded, the NIC was unbound from it, or rdma-core is missing",
        "lsmod | grep mlx5_ib; ls /sys/class/infiniband; ldconfig -p | grep ibverbs",
        "#975",
    ),
    row(
        r"Error enabling interrupts for fd",
        "warning",
        "interrupts of a NIC could not be enabled",
        "the virtual NIC has none; link changes are then not noticed",
        "another driver (vfio-pci), or intr_mode=legacy of igb_uio",
        "#431",
    ),
    row(
        r"Cannot create lock on '(\S+)'",
        "fatal",
        "another DPDK process uses {1}",
        "a second dpvs, or testpmd, with the same file prefix",
        "ps; `--file-prefix=NAME` behind `--` of one of them",
        "EAL",
    ),
    row(
        r"Cannot use IOVA as 'PA'",
        "fatal",
        "DPDK has no physical addresses",
        "not root, or a kernel that hides /proc/self/pagemap",
        "start dpvs as root; vfio-pci with an IOMMU",
        "EAL",
    ),
    row(
        r"lcore (\d+) unavailable|invalid parameters for -l|invalid coremask or corelist",
        "fatal",
        "dpvs was started with a CPU that is not there",
        "the lcores of the command line do not fit the machine",
        "dut.lcores of the bench; lscpu; isolated or offline CPUs",
        "EAL",
    ),
    row(
        r"No (?:available|free) (?:\d+ kB )?hugepages reported(?: in hugepages-(\d+)kB)?",
        "warning",
        "there are no hugepages of one size",
        "harmless for a size that is not used",
        LOOK_MEMORY,
        "EAL",
    ),
    row(
        r"(dp_vs_new_stats|dp_vs_conn_cache|mempool_init|rte_mempool_create\w*): "
        r"(?:no memory|cannot create)|cannot create ring",
        "error",
        "no memory for {1}",
        MEMORY,
        LOOK_MEMORY,
        "#368",
    ),
    row(
        r"arp_unres_queue is full",
        "warning",
        "packets wait for a neighbour that does not answer",
        "the next hop of a real server or client does not answer ARP",
        "dpip neigh show, dpip route show; an address of DPVS in that network",
        "neigh.c, #198 #276",
    ),
    row(
        r"Update maddr of (\S+) [Ff]ailed",
        "warning",
        "{1} could not join a multicast group",
        "the NIC's driver has no list of multicast addresses",
        "IPv6 neighbours and VRRP on that port; `dpip link set … allmulticast on`",
        "kni.c, #315",
    ),
    row(
        r"fail to set mac 00:00:00:00:00:00 for (\S+?):",
        "error",
        "{1} has no MAC",
        "a bond whose first member was not there when it was made",
        "the bonding blocks of dpvs.conf: `primary`",
        "kni.c, PR#36",
    ),
    row(
        r"syncookie check failed",
        "warning",
        "a handshake with SYN proxy was refused",
        "a late or crafted ACK; many of them: a flood",
        "ipvsadm -ln --stats",
        "ip_vs_synproxy.c",
    ),
    row(
        r"got errcode (-\d+) from dpvs_getsockopt",
        "error",
        "a tool got error {1} from DPVS",
        "-24: a worker did not answer in sync_msg_timeout_us",
        "dpip link show cpu; sync_msg_timeout_us",
        "#225",
    ),
    row(
        r"rte_eth_dev_set_mc_addr_list is not supported, enable all multicast",
        "normal",
        "all multicast is received",
        "the NIC has no list of multicast addresses",
        "nothing",
        "netif.c",
    ),
)
