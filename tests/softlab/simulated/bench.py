"""The bench of the recordings: who is who, and how the device is started."""

from __future__ import annotations

from pathlib import Path

from tests.softlab.simulated.hosts import Host, cable, make_device, until

CONF = """\
global_defs {
    log_level INFO
    log_file %(log)s
    <init> kni %(kni)s
}
netif_defs {
    <init> pktpool_size 65535
    <init> device dpdk0 { 
        rx {
            queue_number %(queues)d
            descriptor_number 256
            rss all
        }
        tx {
            queue_number %(queues)d
            descriptor_number 512
        }
        kni_name dpdk0.kni
    }
    <init> device dpdk1 {
        rx {
            queue_number %(queues)d
            descriptor_number 256
            rss all
        }
        tx {
            queue_number %(queues)d
            descriptor_number 512
        }
        kni_name dpdk1.kni
    }
}
worker_defs {
    <init> worker cpu0 {
        type master
        cpu_id 0
    }
%(workers)s
}
ipvs_defs {
    conn {
        <init> conn_pool_size 65536
    }
    udp {
        uoa_mode %(uoa)s
        uoa_max_trail 3
        timeout {
            oneway 60
            normal 300
            last 3
        }
    }
}
sa_pool {
    <init> flow_enable off
}
"""  # noqa: W291 - a trailing blank is part of what is tested
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
CLIENT_MAC = "02:00:00:00:01:48"
LAN_MAC = "02:00:00:00:02:01"
WAN_MAC = "02:00:00:00:01:01"

_WEB = (
    "import http.server as h, sys\n"
    "class A(h.BaseHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    def do_GET(self):\n"
    "        body = f'{sys.argv[1]} {self.client_address[0]} {self.client_address[1]}\\n'.encode()\n"
    "        self.send_response(200)\n"
    "        self.send_header('Content-Length', str(len(body)))\n"
    "        self.end_headers()\n"
    "        self.wfile.write(body)\n"
    "    def log_message(self, *a): pass\n"
    "class S(h.ThreadingHTTPServer):\n"
    "    import socket as s\n"
    "    address_family = s.AF_INET6\n"
    "S(('::', 80), A).serve_forever()\n"
)
_UDP = (
    "import socket, sys\n"
    "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
    "s.bind(('::', 8053))\n"
    "while True:\n"
    "    data, peer = s.recvfrom(65535)\n"
    "    s.sendto(sys.argv[1].encode() + b' ' + peer[0].encode() + b' ' + data, peer)\n"
)


class Bench:
    """client - lb - switch - rs1, rs2, addressed as in the recordings."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
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
            "for d in l0 w0; do nft \"add chain netdev quiet $d"
            " { type filter hook ingress device $d priority 0; policy drop; }\"; done"
        )
        make_device(self.lb, folder / "root", version)

    def write_conf(
        self, workers: int = 1, kni: str = "off", uoa: str = "opp", extra: str = ""
    ) -> None:
        """dpvs.conf with that many workers, cpu1 and up."""
        blocks = "".join(_WORKER % {"cpu": n + 1, "queue": n} for n in range(workers))
        values = {"log": self.log, "queues": workers, "workers": blocks, "kni": kni, "uoa": uoa}
        (self.folder / "dpvs.conf").write_text(CONF % values + extra)

    @property
    def log(self) -> Path:
        return self.folder / "dpvs.log"

    def start(self, lcores: str = "0-1", **conf: object) -> None:
        """Start the device and wait until it answers."""
        self.write_conf(**conf)  # type: ignore[arg-type]
        files = f"-c {self.folder}/dpvs.conf" if self.version != "1.8.10" else ""
        if not files:
            (self.folder / "root/etc/dpvs.conf").write_text(
                (self.folder / "dpvs.conf").read_text()
            )
        self.lb.start(
            f"dpvs {files} -- -l {lcores} --no-pci --vdev=net_af_packet0,iface=l0"
            " --vdev=net_af_packet1,iface=w0",
            self.folder / "dpvs.out",
        )
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

    def close(self) -> None:
        for host in self.hosts:
            host.close()
