"""What is asked of DPVS's tools, in this order, on the topology of the article."""

from __future__ import annotations

# Name of the recording: command. State first, then what must be refused; nothing here that a
# later command depends on is changed for good.
COMMANDS: dict[str, str] = {
    "dpip-link-show": "dpip link show",
    "dpip-link-show-cpu": "dpip link show cpu",
    "dpip-addr-show": "dpip addr show",
    "dpip-addr-show-s": "dpip -s addr show",
    "dpip-addr-show-v": "dpip -s -v addr show",
    "dpip-route-show": "dpip route show",
    "dpip-6-route-show": "dpip -6 route show",
    "dpip-neigh-show": "dpip neigh show",
    "ipvsadm-ln": "ipvsadm -ln",
    "ipvsadm-stats": "ipvsadm -ln --stats",
    "ipvsadm-G": "ipvsadm -G",
    "ipvsadm-lnc": "ipvsadm -lnc",
    "dpvs-v": "dpvs -v",
    "dpip-V": "dpip -V",
    "err-addr-add-existing": "dpip addr add 10.0.96.204/32 dev dpdk1",
    "err-addr-add-baddev": "dpip addr add 10.0.96.9/32 dev dpdk9",
    "err-addr-del-missing": "dpip addr del 10.0.96.9/32 dev dpdk1",
    "err-route-add-existing": "dpip route add 10.0.96.0/24 dev dpdk1",
    "err-route-add-baddev": "dpip route add 10.9.0.0/24 dev dpdk9",
    "err-route-del-missing": "dpip route del 10.9.0.0/24 dev dpdk1",
    "err-link-show-baddev": "dpip link show dpdk9",
    "err-svc-add-existing": "ipvsadm -A -t 10.0.96.204:80 -s rr",
    "err-svc-badsched": "ipvsadm -A -t 10.0.96.204:81 -s nosuch",
    "err-svc-del-missing": "ipvsadm -D -t 10.0.96.204:81",
    "err-dest-add-existing": "ipvsadm -a -t 10.0.96.204:80 -r 192.168.229.1:80 -b",
    "err-dest-add-nosvc": "ipvsadm -a -t 10.0.96.204:81 -r 192.168.229.1:80 -b",
    "err-dest-del-missing": "ipvsadm -d -t 10.0.96.204:80 -r 192.168.229.9:80",
    "err-laddr-add-existing": "ipvsadm --add-laddr -z 192.168.229.204 -t 10.0.96.204:80 -F dpdk0",
    "err-laddr-add-nosvc": "ipvsadm --add-laddr -z 192.168.229.205 -t 10.0.96.204:81 -F dpdk0",
    "err-badobject": "dpip nosuch show",
    "dest-without-port": "ipvsadm -a -t 10.0.96.204:80 -r 192.168.229.9 -b",
    "dest-without-port-ln": "ipvsadm -ln -t 10.0.96.204:80",
}
