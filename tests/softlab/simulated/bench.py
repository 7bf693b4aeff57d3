"""The bench of the recordings: who is who, and how the device is started."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.softlab.simulated import hardware
from tests.softlab.simulated.hosts import Host, cable, make_device, until

CONF = """\
! As on the recordings' machine; a remark <like this> is no part of a line.
global_defs {
    log_level INFO
    log_file %(log)s
    <init> kni %(kni)s
    lldp off
}
netif_defs {
    <init> pktpool_size 65535 <65535, 1023-134217728>
    <init> pktpool_cache 256
    <init> fdir_mode perfect
%(devices)s}
worker_defs {
    <init> worker cpu0 {
        type master
        cpu_id 0
    }
%(workers)s}
timer_defs {
    schedule_interval 500 # microseconds
}
neigh_defs {
    <init> unres_queue_length 128
    timeout 60
}
ipset_defs {
    <init> ipset_hash_pool_size 65536
}
ipv4_defs {
    forwarding off
    <init> default_ttl 64
    fragment {
        <init> bucket_number 4096
        <init> bucket_entries 16
        <init> max_entries 4096
        <init> ttl 1
    }
}
ipv6_defs {
    disable off
    forwarding off
    route6 {
        <init> method hlist
        recycle_time 10
    }
}
ctrl_defs {
    lcore_msg {
        <init> ring_size 4096
        sync_msg_timeout_us 200000
        priority_level low
    }
}
ipvs_defs {
    conn {
        <init> conn_pool_size 65536
        <init> conn_pool_cache 256
        conn_init_timeout 3
%(redirect)s    }
    udp {
        ! defence_udp_drop
        uoa_mode %(uoa)s
        uoa_max_trail 3
        timeout {
            oneway 60
            normal 300
            last 3
        }
    }
    tcp {
        ! defence_tcp_drop
        timeout {
            none 2
            established %(established)d
            syn_sent 3
            syn_recv 30
            fin_wait 7
            time_wait 7
            close 3
            close_wait 7
            last_ack 7
            listen 120
            synack 30
            last 2
        }
        synproxy {
            synack_options {
                mss 1452
                ttl 63
                sack
                ! wscale
                ! timestamp
            }
            close_client_window
            ! defer_rs_syn
            rs_syn_max_retry 3
            ack_storm_thresh 10
            max_ack_saved 3
            conn_reuse_state {
                close
                time_wait
                ! fin_wait
            }
        }
    }
}
sa_pool {
    <init> pool_hash_size 16
    <init> flow_enable off
}
"""
_DEVICE = """\
    <init> device %(name)s {
        rx {
            queue_number %(queues)d
            descriptor_number 256
            rss all
        }
        tx {
            queue_number %(queues)d
            descriptor_number 512
        }
        kni_name %(name)s.kni
    }
"""
_WORKER = """\
    <init> worker cpu%(cpu)d {
        type slave
        cpu_id %(cpu)d
        port dpdk0 {
            rx_queue_ids %(queue)d
            tx_queue_ids %(queue)d
        }
        port dpdk1 {
            rx_queue_ids %(queue)d
            tx_queue_ids %(queue)d
        }
    }
"""
SOFTWARE_PORTS = "--no-pci --vdev=net_af_packet0,iface=l0 --vdev=net_af_packet1,iface=w0"
CLIENT_MAC = "02:00:00:00:01:48"
LAN_MAC = "02:00:00:00:02:01"
WAN_MAC = "02:00:00:00:01:01"

# Answers with as many bytes as the recorded server did, so that byte counts are the recorded ones.
_WEB = """\
import socket, sys, threading
def serve(link, peer):
    while link.recv(65536):
        body = f"{sys.argv[1]}: Your ip:port : {peer[0].removeprefix('::ffff:')}:{peer[1]}\\n"
        head = "HTTP/1.1 200 OK\\r\\nServer: nginx/1.22.1\\r\\n"
        head += "Date: Mon, 23 Nov 2026 14:20:35 GMT\\r\\nContent-Type: text/plain\\r\\n"
        head += f"Content-Length: {len(body)}\\r\\nConnection: keep-alive\\r\\n\\r\\n"
        link.sendall((head + body).encode())
    link.close()
listener = socket.create_server(
    ("::", 80), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True
)
while True:
    threading.Thread(target=serve, args=listener.accept(), daemon=True).start()
"""
_UDP = """\
import socket, sys
link = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
link.bind(("::", 8053))
while True:
    data, peer = link.recvfrom(65535)
    seen = f"{peer[0].removeprefix('::ffff:')}:{peer[1]}"
    link.sendto(f"{sys.argv[1]} saw {seen} ".encode() + data + b"\\n", peer)
"""


class Bench:
    """client - lb - switch - rs1, rs2, addressed as in the recordings."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
        self.eal = SOFTWARE_PORTS
        self.client, self.lb, self.switch, self.rs1, self.rs2 = (
            Host(name) for name in ("client", "lb", "switch", "rs1", "rs2")
        )
        self.hosts = (self.client, self.lb, self.switch, self.rs1, self.rs2)
        cable(self.client, "c0", self.lb, "w0")
        cable(self.switch, "lb", self.lb, "l0")
        cable(self.switch, "rs1", self.rs1, "r0")
        cable(self.switch, "rs2", self.rs2, "r0")
        self.switch.run(
            "ip link add lan type bridge && ip link set lan up;"
            "for p in lb rs1 rs2; do ip link set $p master lan; done"
        )
        self.client.run(
            f"ip link set c0 address {CLIENT_MAC}; ip addr add 10.0.0.48/16 dev c0;"
            "ip addr add 2001:db8:1::48/64 dev c0 nodad"
        )
        for number, host in ((2, self.rs1), (3, self.rs2)):
            host.run(
                f"ip link set r0 address 02:00:00:00:02:1{number};"
                f"ip addr add 192.168.100.{number}/24 dev r0;"
                f"ip addr add fd00:100::{number}/64 dev r0 nodad"
            )
        self.lb.run(
            f"ip link set l0 address {LAN_MAC}; ip link set w0 address {WAN_MAC};"
            "for d in l0 w0; do ip addr flush dev $d; done;"
            "nft 'add table netdev quiet';"
            'for d in l0 w0; do nft "add chain netdev quiet $d'
            ' { type filter hook ingress device $d priority 0; policy drop; }"; done'
        )
        make_device(self.lb, folder / "root", version)

    def write_conf(
        self,
        workers: int = 1,
        kni: str = "off",
        uoa: str = "opp",
        established: int = 90,
        redirect: str = "",
        devices: int = 2,
        replace: tuple[str, str] = ("", ""),
        without: tuple[str, ...] = (),
    ) -> None:
        """dpvs.conf with that many workers, cpu1 and up."""
        values = {
            "log": self.log,
            "devices": "".join(
                _DEVICE % {"name": f"dpdk{n}", "queues": workers} for n in range(devices)
            ),
            "workers": "".join(_WORKER % {"cpu": n + 1, "queue": n} for n in range(workers)),
            "kni": kni,
            "uoa": uoa,
            "established": established,
            "redirect": redirect,
        }
        text = (CONF % values).replace(*replace)
        for part in without:
            assert part in text, part
            text = text.replace(part, "")
        (self.folder / "dpvs.conf").write_text(text)

    @property
    def conf(self) -> Path:
        """What the device's host sees as /etc/dpvs.conf."""
        return self.folder / "root/etc/dpvs.conf"

    @property
    def log(self) -> Path:
        return self.folder / "dpvs.log"

    def play(self, interfaces: tuple[str, ...], size: int, devices: tuple[str, ...] = ()) -> None:
        """Hardware for the device, in place of software ports: NICs, hugepages, device files."""
        has = json.dumps({"interfaces": interfaces, "bytes": size, "devices": devices})
        self.lb.start(f"python3 {hardware.__file__} '{has}'", self.folder / "hardware.out")
        until("hardware", lambda: "emulated.sock" in self.lb.run("ls /run"))
        self.eal = ""

    def launch(self, lcores: str = "-l 0-1", **conf: object) -> subprocess.Popen[bytes]:
        """Start the device without waiting for it."""
        self.write_conf(**conf)  # type: ignore[arg-type]
        # Before 1.9.4 the name of the file is fixed.
        self.conf.write_text((self.folder / "dpvs.conf").read_text())
        files = f"-c {self.folder}/dpvs.conf" if self.version != "1.8.10" else ""
        return self.lb.start(f"dpvs {files} -- {lcores} {self.eal}", self.folder / "dpvs.out")

    def start(self, lcores: str = "-l 0-1", **conf: object) -> None:
        """Start the device and wait until it answers."""
        self.launch(lcores, **conf)
        until(
            "dpvs answers",
            lambda: "dpdk0" in self.lb.run("dpip link show", check=False),
            seconds=15,
        )

    def serve(self) -> None:
        """Web and echo servers on both real servers, ready."""
        for host in (self.rs1, self.rs2):
            for name, text in (("web", _WEB), ("udp", _UDP)):
                script = self.folder / f"{name}.py"
                script.write_text(text)
                host.start(f"python3 {script} {host.name}", self.folder / f"{name}-{host.name}.out")
            until(
                f"{host.name} listens",
                lambda host=host: (  # type: ignore[misc]
                    ":80 " in host.run("ss -ltn") and ":8053" in host.run("ss -lun")
                ),
            )

    def configure(self) -> None:
        """The service of the article, with the recordings' addresses."""
        self.lb.run(
            "dpip addr add 10.0.0.100/32 dev dpdk1 &&"
            "dpip route add 10.0.0.0/16 dev dpdk1 &&"
            "dpip route add 192.168.100.0/24 dev dpdk0 &&"
            "ipvsadm -A -t 10.0.0.100:80 -s rr &&"
            "ipvsadm -a -t 10.0.0.100:80 -r 192.168.100.2:80 -b &&"
            "ipvsadm -a -t 10.0.0.100:80 -r 192.168.100.3:80 -b &&"
            "ipvsadm --add-laddr -z 192.168.100.200 -t 10.0.0.100:80 -F dpdk0"
        )

    def configure_udp(self, vip: str = "10.0.0.100") -> None:
        """The echo service, on servers of the VIP's family."""
        six = ":" in vip
        service = f"[{vip}]:8053" if six else f"{vip}:8053"
        for number in (2, 3):
            server = f"[fd00:100::{number}]" if six else f"192.168.100.{number}"
            more = f"ipvsadm -a -u {service} -r {server}:8053 -b"
            self.lb.run(more if number == 3 else f"ipvsadm -A -u {service} -s rr && {more}")
        lip = "fd00:100::200" if six else "192.168.100.200"
        # The address is there already, for the other service; the tool says so.
        self.lb.run(f"ipvsadm --add-laddr -z {lip} -u {service} -F dpdk0", check=False)

    def configure_six(self) -> None:
        """The recordings' services for IPv6 clients, with IPv6 and with IPv4 servers."""
        self.lb.run(
            "dpip -6 addr add 2001:db8:1::100/128 dev dpdk1 &&"
            "dpip -6 addr add 2001:db8:1::64/128 dev dpdk1 &&"
            "dpip -6 route add 2001:db8:1::/64 dev dpdk1 &&"
            "dpip -6 route add fd00:100::/64 dev dpdk0 &&"
            "ipvsadm -A -t [2001:db8:1::100]:80 -s rr &&"
            "ipvsadm -a -t [2001:db8:1::100]:80 -r [fd00:100::2]:80 -b &&"
            "ipvsadm -a -t [2001:db8:1::100]:80 -r [fd00:100::3]:80 -b &&"
            "ipvsadm --add-laddr -z fd00:100::200 -t [2001:db8:1::100]:80 -F dpdk0 &&"
            "ipvsadm -A -t [2001:db8:1::64]:80 -s rr &&"
            "ipvsadm -a -t [2001:db8:1::64]:80 -r 192.168.100.2:80 -b &&"
            "ipvsadm -a -t [2001:db8:1::64]:80 -r 192.168.100.3:80 -b;"
            "ipvsadm --add-laddr -z 192.168.100.200 -t [2001:db8:1::64]:80 -F dpdk0"
        )

    def close(self) -> None:
        for host in self.hosts:
            host.close()
