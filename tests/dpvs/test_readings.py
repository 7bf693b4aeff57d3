"""What single recordings say, in the words of the models: the values that checks rely on."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Interface

import pytest

from dpvs_acceptance.dpvs import banners, devbind, dpip, ipvsadm
from dpvs_acceptance.dpvs.addresses import Endpoint
from dpvs_acceptance.dpvs.errors import ParseError
from dpvs_acceptance.dpvs.versions import Version
from tests.dpvs.recorded import recording


def output(name: str) -> str:
    return recording(name).output


def test_link_of_the_article() -> None:
    """1.8.10 on an 82599: offloads, MAC in capitals, quoted without indentation."""
    (link,) = dpip.parse_links(output("v1.8.10/dpip-link-show.txt"))
    assert (link.name, link.port_id, link.socket, link.mtu) == ("dpdk0", 0, 0, 1500)
    assert (link.rx_queues, link.tx_queues) == (16, 16)
    assert (link.status, link.speed_mbps) == ("UP", 10000)
    assert (link.duplex, link.autoneg, link.flags) == ("full-duplex", "auto-nego", ())
    assert link.mac == "aa:bb:cc:23:33:33"
    assert link.offloads == ("OF_RX_IP_CSUM", "OF_TX_IP_CSUM", "OF_TX_TCP_CSUM", "OF_TX_UDP_CSUM")
    assert link.stats is None


def test_link_with_everything() -> None:
    (link,) = dpip.parse_links(output("v1.10.2/dpip-s-v-link-show-dpdk1.txt"))
    assert link.flags == ("lldp",)
    assert link.stats == dpip.LinkStats(70, 46, 4988, 4644, 0, 0, 0, 0, 65535, 0)
    assert link.xstats is not None
    assert link.xstats.supported
    assert dpip.Xstat(12, "tx_q0_bytes", 4644) in link.xstats.values
    verbose = link.verbose
    assert verbose is not None
    assert (verbose.info.pci_addr, verbose.info.driver_name) == ("vdev", "net_af_packet")
    numbers = verbose.info.numbers
    assert (numbers["rx_ol_capa"], numbers["rx_desc_max"]) == (0x4001, 65535)
    assert verbose.queues == (dpip.PortQueue(0, 1, 1),)
    assert verbose.multicast[0] == dpip.MulticastFilter("33:33:ff:00:01:01", refcnt=1, synced=0)


def test_upstreams_spelling_of_forward2kni() -> None:
    (link,) = dpip.parse_links(output("v1.10.2/kni-link-set-fwd2kni.txt"))
    assert link.flags == ("foward2kni", "lldp")


def test_tunnel_is_a_link_without_hardware() -> None:
    (link,) = dpip.parse_links(output("v1.10.2/link-show-tunnel.txt"))
    assert (link.name, link.status, link.speed_mbps) == ("ipip1", "DOWN", 0)


def test_rates() -> None:
    (link,) = dpip.parse_links(output("v1.10.2/dpip-s-link-show-dpdk0-i1-c2.txt"))
    assert len(link.rates) == 2


def test_mellanox_columns_that_touch() -> None:
    """A 64-bit flow type does not fit %-14lX, and the next columns move."""
    text = output("v1.10.2/dpip-v-link-show.txt").replace(
        "    0               0x0             0               0               \n",
        "    40              0xF80000000003AFFC0               0               \n",
        1,
    )
    first, second = dpip.parse_links(text)
    assert first.verbose is not None
    assert second.verbose is not None
    numbers = first.verbose.info.numbers
    assert numbers["flowtype_rss_ol"] == 0xF80000000003AFFC
    assert (numbers["hash_key_size"], numbers["vmdq_que_base"]) == (40, 0)
    assert second.verbose.info.numbers["flowtype_rss_ol"] == 0


def test_lcores_and_their_queues() -> None:
    master, worker = dpip.parse_lcores(output("v1.10.2/dpip-s-link-show-cpu.txt"))
    assert (master.cpu, master.plane, master.queues) == (0, "control", ())
    assert (worker.cpu, worker.plane) == (1, "data")
    assert worker.serves("dpdk0", "rx") == worker.serves("dpdk1", "tx") == (0,)
    assert worker.serves("dpdk2", "rx") == ()
    assert worker.stats is not None
    assert (worker.stats.ipackets, worker.stats.obytes) == (123, 9224)


def test_long_port_names_touch_in_the_queue_list() -> None:
    text = (
        "3: cpu2: socket 1\n    queues bond0_wan.100:rx10bond0_wan.100:tx10--              a:tx1\n"
    )
    (lcore,) = dpip.parse_lcores(text)
    assert lcore.serves("bond0_wan.100", "rx") == lcore.serves("bond0_wan.100", "tx") == (10,)
    assert lcore.serves("a", "tx") == (1,)


def test_lip_with_its_ports() -> None:
    entries = dpip.parse_addresses(output("v1.10.2/dpip-s-addr-show.txt"))
    by_address = {str(entry.address): entry for entry in entries}
    lip = by_address["192.168.100.200"]
    assert (lip.device, lip.scope, lip.lcore) == ("dpdk0", "global", None)
    assert lip.pool == dpip.SourcePool(used=6, free=1032170, miss=0)
    assert by_address["10.0.0.100"].pool is None
    assert by_address["fe80::ff:fe00:101"].interface == IPv6Interface("fe80::ff:fe00:101/64")


def test_addresses_per_lcore_and_broadcast() -> None:
    entries = dpip.parse_addresses(output("v1.10.2/dpip-s-v-addr-show.txt"))
    assert [entry.lcore for entry in entries] == [0] * 4 + [1] * 4
    with_broadcast = dpip.parse_addresses(output("v1.10.2/addr-show-3.txt"))
    assert IPv4Address("10.0.255.255") in [entry.broadcast for entry in with_broadcast]


def test_routes_of_the_article() -> None:
    routes = dpip.parse_routes(output("v1.8.10/dpip-route-show.txt"))
    assert [(str(route.network), route.device, route.scope) for route in routes] == [
        ("192.168.229.204/32", "dpdk0", "host"),
        ("10.0.96.204/32", "dpdk2", "host"),
        ("10.0.96.0/24", "dpdk2", "link"),
        ("192.168.229.0/24", "dpdk0", "link"),
        ("0.0.0.0/0", "dpdk2", "global"),
    ]
    assert routes[-1].is_default
    assert routes[-1].via == IPv4Address("10.0.96.254")
    assert routes[0].via is routes[0].source is None


def test_routes_of_kni_and_ipv6() -> None:
    kni = dpip.parse_routes(output("v1.10.2/kni-route-show.txt"))[0]
    assert (kni.scope, kni.network) == ("kni_host", IPv4Network("192.168.100.28/32"))
    routes = dpip.parse_routes(output("v1.10.2/v6-dpip-6-route-show.txt"))
    assert routes[-1].source == IPv6Address("fe80::ff:fe00:101")
    assert (routes[-1].metric, routes[-1].proto, routes[-1].mtu) == (None, None, 1500)
    (default,) = dpip.parse_routes(
        "inet6 default via 2001:db8::1 dev dpdk2 mtu 1500 scope global\n"
    )
    assert default.is_default


def test_neighbours() -> None:
    text = output("v1.10.2/neigh-show-static.txt") + (
        "ip: 10.0.0.77                                        mac:incomplate                       "
        "state: SEND           dev: dpdk1  core: 1  \n"
    )
    neighbours = dpip.parse_neighbours(text)
    assert [n.static for n in neighbours] == [False, False, True, False, False]
    assert [n.resolved for n in neighbours] == [True] * 4 + [False]
    assert neighbours[-1].state == "SEND"


def test_services_of_the_article() -> None:
    table = ipvsadm.parse_services(output("v1.8.10/ipvsadm-ln.txt"))
    assert table.header is not None
    assert table.header.version == Version(0, 0, 0)
    service = table.find("TCP", IPv4Address("10.0.96.204"), 80)
    assert service is not None
    (server,) = service.servers
    assert server.endpoint == Endpoint(IPv4Address("192.168.229.1"), 80)
    assert (service.scheduler, server.forward, server.weight) == ("rr", "FullNat", 1)
    assert table.find("UDP", IPv4Address("10.0.96.204"), 80) is None


def test_all_flags_of_services() -> None:
    table = ipvsadm.parse_services(output("v1.10.2/flags-ipvsadm-ln.txt"))
    by_port = {service.vip.port: service for service in table.services if service.vip}
    assert by_port[8002].persistence == ipvsadm.Persistence(300, "255.255.255.0")
    assert (by_port[8003].scheduler, by_port[8003].hash_target) == ("conhash", "sip")
    assert by_port[8004].conn_timeout == 60
    assert by_port[8005].proxy_protocol == "v2"
    assert by_port[8006].dest_check == ipvsadm.DestCheck("default", ())
    assert by_port[8007].dest_check == ipvsadm.DestCheck("2,3s", ())
    assert by_port[8008].synproxy
    assert by_port[8008].expire_quiescent
    assert (by_port[8009].quic, by_port[8009].hash_target) == (True, "qid")
    assert by_port[8011].protocol == "SCTP"
    assert [server.weight for server in by_port[8001].servers] == [100, 50]


def test_match_services() -> None:
    service = ipvsadm.parse_services(output("v1.10.2/snat-ipvsadm-ln.txt")).services[0]
    assert service.protocol == "ICMP"
    assert service.id.match is not None
    assert service.id.match.oif == "dpdk1"
    assert str(service.id.match.source) == "192.168.100.0-192.168.100.254:0-0"
    assert service.servers[0].forward == "SNAT"


def test_inhibited_servers() -> None:
    text = output("v1.10.2/flags-destcheck-ln.txt").replace(
        "2         \n", "2          inhibited,overload\n"
    )
    (service,) = ipvsadm.parse_services(text).services
    assert (service.servers[0].inhibited, service.servers[0].overloaded) == (True, True)


def test_stats_and_what_rounding_hides() -> None:
    table = ipvsadm.parse_stats(output("v1.10.2/v6-ipvsadm-ln-stats.txt"))
    service = table.find("TCP", IPv6Address("2001:db8:1::100"), 80)
    assert service is not None
    assert service.counters == ipvsadm.Counters(4, 24, 16, 1844, 1756)
    assert service.servers[0].endpoint.address == IPv6Address("fd00:100::2")
    text = output("v1.10.2/ipvsadm-Ln-stats.txt").replace(
        "     1670     1805", "  123456K   12345M", 1
    )
    rounded = ipvsadm.parse_stats(text).services[0].servers[0].counters
    assert (rounded.in_bytes, rounded.out_bytes) == (123_456_000, 12_345_000_000)
    assert rounded.rounded


def test_local_addresses() -> None:
    services = ipvsadm.parse_laddrs(output("v1.10.2/v6-ipvsadm-G.txt"))
    assert services[1].vip == Endpoint(IPv6Address("2001:db8:1::100"), 80)
    assert services[1].addresses == (ipvsadm.LocalAddress(IPv6Address("fd00:100::200"), 0, 4),)
    (article,) = ipvsadm.parse_laddrs(output("v1.8.10/ipvsadm-G.txt"))
    assert [str(lip.address) for lip in article.addresses] == ["192.168.229.204"]
    assert ipvsadm.parse_laddrs("") == ()


def test_local_address_that_is_announced_and_missing() -> None:
    text = output("v1.10.2/ipvsadm-G.txt").replace(" 1        \n", " 2        \n")
    with pytest.raises(ParseError, match="local address 2 of 2"):
        ipvsadm.parse_laddrs(text)


def test_connections() -> None:
    connection = ipvsadm.parse_connections(output("v1.10.2/udp-ipvsadm-lnc.txt"))[1]
    assert (connection.protocol, connection.state, connection.timeout) == ("UDP", "UDP_ONEWAY", 60)
    assert str(connection.local) == "192.168.100.200:1025"
    sixes = ipvsadm.parse_connections(output("v1.10.2/v6-ipvsadm-lnc.txt"))
    assert str(sixes[0].client) == "[2001:db8:1::48]:46098"
    assert sixes[1].client.address.version != sixes[1].server.address.version  # NAT64


def test_access_lists() -> None:
    rules = ipvsadm.parse_access_list(output("v1.10.2/flags-B.txt"))
    assert [(rule.address, rule.ipset) for rule in rules] == [
        (IPv4Address("10.0.0.49"), None),
        (None, "foo"),
    ]


def test_banners() -> None:
    assert banners.parse_dpvs_version(output("v1.8.10/dpvs-v.txt")) == banners.DpvsBanner(
        Version(1, 8, 10), "2021.07.26.15:34:26"
    )
    assert banners.parse_dpip_version("dpip-v1.0.0\n").version is None
    assert banners.parse_dpip_version("dpip-1.10-2\n").version == Version(1, 10, 2)
    assert banners.parse_ipvsadm_version(output("v1.10.2/ipvsadm-v.txt")).ipvs == Version(1, 9, 2)


def test_keepalived_is_built_with_ipvs_over_libnl() -> None:
    text = output("v1.10.2/keepalived-v.txt")
    banner = banners.parse_keepalived_version(text)
    assert (banner.version, banner.commit) == ("2.0.19", "v1.10.2+")
    assert banner.ipvs_framework
    assert banner.ipvs_over_libnl
    without = banners.parse_keepalived_version(
        text.replace(" LIBIPVS_NETLINK", "").replace(" LVS ", " ")
    )
    assert not without.ipvs_framework
    assert not without.ipvs_over_libnl


def test_devbind_before_and_after() -> None:
    before = devbind.parse_status(output("v1.8.10/devbind-kernel.txt"))
    assert before[0] == devbind.Device(
        slot="0000:04:00.0",
        category="Network",
        binding="kernel",
        description="82599ES 10-Gigabit SFI/SFP+ Network Connection",
        device_id="10fb",
        interfaces=("eth2",),
        driver="ixgbe",
        unused=("igb_uio",),
    )
    after = devbind.parse_status(output("v1.8.10/devbind-dpdk.txt"))
    assert {device.binding for device in after} == {"dpdk"}
    assert {device.driver for device in after} == {"igb_uio"}


def test_devbind_of_other_versions() -> None:
    text = """
Network devices using DPDK-compatible driver
============================================
0000:82:00.0 'Ethernet 10G 2P X520 Adapter 154d' numa_node=1 drv=vfio-pci unused=ixgbe,igb_uio

Network devices using kernel driver
===================================
0000:01:00.0 'I350 Gigabit Network Connection 1521' if=eth0 drv=igb unused=vfio-pci *Active*

Other Network devices
=====================
0000:00:1f.6 'Ethernet Connection 15bc' unused=e1000e,vfio-pci

No 'Crypto' devices detected
============================

Misc (rawdev) devices using kernel driver
=========================================
0000:00:04.0 'Sky Lake-E CBDMA Registers 2021' drv=ioatdma unused=

Crypto devices using DPDK-compatible driver
===========================================
<none>
"""
    x520, i350, spare, dma = devbind.parse_status(text)
    assert (x520.numa_node, x520.unused) == (1, ("ixgbe", "igb_uio"))
    assert (i350.active, i350.interfaces) == (True, ("eth0",))
    assert (spare.binding, spare.driver) == ("none", None)
    assert (dma.category, dma.unused) == ("Misc (rawdev)", ())


def test_error_says_where_what_and_where_to_report() -> None:
    text = output("v1.10.2/dpip-link-show.txt").replace("lldp", "warp")
    with pytest.raises(ParseError) as caught:
        dpip.parse_links(text, "dpip link show")
    error = caught.value
    assert (error.source, error.line_number) == ("dpip link show", 2)
    assert str(error) == (
        "dpip link show, line 2: cannot read "
        "'    UP 10000 Mbps full-duplex fixed-nego warp '; expected `UP|DOWN N Mbps "
        "full-duplex|half-duplex fixed-nego|auto-nego` and flags of promisc allmulticast "
        "foward2kni tc-egress tc-ingress lldp. An unknown line usually means a DPVS "
        "version that this suite does not support yet: please report it in the issue tracker of "
        "dpvs-acceptance, with the complete output and `dpvs -v`."
    )


def test_names_instead_of_numbers_are_refused() -> None:
    with pytest.raises(ParseError, match="numeric"):
        ipvsadm.parse_services(output("v1.10.2/ipvsadm-l.txt"))


def test_what_a_tool_says_on_failure_is_no_state() -> None:
    with pytest.raises(ParseError):
        dpip.parse_links(output("v1.10.2/err-notrunning-dpip.txt"))
    with pytest.raises(ParseError):
        ipvsadm.parse_services(output("v1.10.2/err-notrunning-ipvsadm.txt"))
