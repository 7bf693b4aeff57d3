"""Small read-only POSIX shell scripts for facts that no single command prints.

Two output formats. Records: a line `kind name`, followed by one line per attribute, which starts
with a space: ` attribute value`. Lines: `path:value`, as printed by `grep -H`.
"""

from __future__ import annotations

from collections.abc import Iterable

from .shell import sh

# Files that a run may change: their modes and digests are compared.
FILES = ("/etc/fstab", "/etc/rc.local", "/etc/rc.d/rc.local", "/etc/modules")


def either(first: str, second: str) -> str:
    """`first`, or `second` if this version of the tool does not support it (CentOS 7)."""
    return f"{first} 2>/dev/null || {second}"


# `kind family: line` of every rule, and of every route outside the main table.
POLICY_ROUTING = (
    "for f in -4 -6; do "
    'ip $f rule show 2>/dev/null | sed "s/^/rule $f: /"; '
    "ip $f route show table all 2>/dev/null | grep ' table ' | grep -v ' table local' | "
    'sed "s/ expires [0-9]*sec//; s/^/route $f: /"; done; :'
)


def file_modes(paths: Iterable[str]) -> str:
    """`path:mode owner:group size type` of each existing file; follows symlinks."""
    words = " ".join(sh("{}", path) for path in paths)
    return f"stat -L -c '%n:%a %U:%G %s %F' {words} 2>/dev/null; :"


def file_digests(paths: Iterable[str]) -> str:
    """`digest  path` of each existing file."""
    return f"sha256sum {' '.join(sh('{}', path) for path in paths)} 2>/dev/null; :"


PLATFORM = (
    "cd /sys/class/dmi/id 2>/dev/null && cat sys_vendor product_name 2>/dev/null; "
    "grep -qw hypervisor /proc/cpuinfo && echo 'virtual machine'; :"
)
"""What DMI calls the machine, a line each, and whether its CPU says that it is a guest."""

# The shell reads attributes without processes, which would cost more than everything else. Reading
# `speed` of a link that is down is an error and gives no value.
_ATTRIBUTE = """\
attribute() {
v=; { IFS= read -r v <"$1/$2"; } 2>/dev/null; [ -z "$v" ] || printf ' %s %s\\n' "$2" "$v"
}
target() { [ -L "$1/$2" ] && v=$(readlink "$1/$2") && echo " $2 ${v##*/}"; }
"""

NET_DEVICES = f"""\
{_ATTRIBUTE}
cd /sys/class/net || exit
for d in *; do
[ -e "$d/ifindex" ] || continue
echo "device $d"
for a in address ifindex iflink mtu operstate carrier speed duplex type flags; do
attribute "$d" "$a"
done
target "$d" master
for l in "$d"/lower_*; do
[ -L "$l" ] && echo " lower ${{l##*/lower_}}"
done
if [ -L "$d/device" ]; then
echo " link $(readlink "$d/device")"
echo " path $(cd -P "$d/device" 2>/dev/null && pwd -P)"
target "$d/device" driver
# Only available from the kernel driver, not after DPDK has the NIC.
ethtool -i "$d" 2>/dev/null | sed -n 's/^firmware-version: *\\(..*\\)/ firmware \\1/p'
fi
done
:"""

PCI_NET = f"""\
{_ATTRIBUTE}
cd /sys/bus/pci/devices 2>/dev/null || exit 0
for d in *; do
[ -e "$d/class" ] || continue
IFS= read -r class <"$d/class"
case $class in 0x02*) ;; *) continue ;; esac
echo "device $d"
for a in class vendor device subsystem_vendor subsystem_device numa_node; do
attribute "$d" "$a"
done
target "$d" driver
target "$d" iommu_group
target "$d" physfn
for n in "$d"/net/* "$d"/virtio*/net/*; do
[ -e "$n" ] && echo " interface ${{n##*/}}"
done
done
:"""

# Whom this session answers, from which of its addresses, and by which interface. `sudo` clears the
# variable that sshd sets: the processes above still have it, or else their sshd has the socket.
# `ss` reads /proc: by netlink the kernel would load modules (tcp_diag), which stay.
SSH_SESSION = """\
export PROC_ROOT=/proc/
s=${SSH_CONNECTION-}
p=$$
dev() { ip -o route get "$@" 2>/dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'; }
while [ -z "$s" ] && [ "${p:-0}" -gt 1 ]; do
s=$(tr '\\0' '\\n' <"/proc/$p/environ" | sed -n 's/^SSH_CONNECTION=//p')
if [ -z "$s" ]; then
set -- $(ss -tnp | grep -F "pid=$p," | tr -d '[]')
[ $# -lt 5 ] || s="${5%:*} - ${4%:*}"
fi
IFS= read -r t <"/proc/$p/stat" || break
set -- ${t##*) }
p=$2
done 2>/dev/null
set -- $s
[ -n "$3" ] || { echo "no SSH_CONNECTION in this session" >&2; exit 1; }
echo "client $1"
echo "server $3"
d=$(dev "$1")
[ -z "$d" ] || echo "route $d"
d=$(dev "$1" from "$3")
[ -z "$d" ] || echo "route $d"
# From the host itself: a reverse tunnel, a jump, a proxy. What its process talks to besides.
local_address() {
case "$(ip -o route get "$1" 2>/dev/null)" in *"dev lo "*|local*) ;; *) false ;; esac
}
local_address "$1" || exit 0
all=$({ ss -tnp; ss -unp; } 2>/dev/null | head -c 1000000 | tr -d '[]' | sed 's/::ffff://g')
ends="$1:$2"
for depth in 1 2 3; do
next=
for end in $ends; do
pid=$(echo "$all" | grep "^[^ ]* *[0-9]* *[0-9]* *$end " | sed -n 's/.*pid=\\([0-9]*\\),.*/\\1/p;q')
[ -n "$pid" ] || continue
read -r program <"/proc/$pid/comm"
for peer in $(echo "$all" | grep -F "pid=$pid," | head -n 50 |
sed -n 's/^[^ ]* *[0-9]* *[0-9]* *[^ ]* *\\([^ ]*\\) .*/\\1/p'); do
a=${peer%:*}
if local_address "$a"; then [ "$a:${peer##*:}" = "$3:$4" ] || next="$next $peer"
else d=$(dev "$a"); [ -z "$d" ] || echo "by $a $d $program"
fi
done
done
ends=$next
done 2>/dev/null
:"""

# `device address interface` for each far end of a tunnel: where its packets leave the host.
TUNNELS = """\
{
ip -d -o link | sed -n 's/^[0-9]*: \\([^:@]*\\)[:@].* remote \\([^ ]*\\) .*/\\1 \\2/p'
bridge fdb show | sed -n 's/.*dev \\([^ ]*\\) dst \\([^ ]*\\).*/\\1 \\2/p'
wg show all endpoints | tr '\\t[]' '   ' |
sed -n 's/^\\([^ ]*\\) .* \\([^ ]*\\) *:[0-9]*$/\\1 \\2/p'
} 2>/dev/null | sort -u | head -n 200 | while read -r n a; do
d=$(ip -o route get "$a" 2>/dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
[ -z "$d" ] || echo "$n $a $d"
done
:"""

# A record per bridge of Open vSwitch: its ports, and the far ends of those that are patches.
OVS = """\
command -v ovs-vsctl >/dev/null 2>&1 || exit 0
for b in $(ovs-vsctl --timeout=3 list-br); do
echo "bridge $b"
for p in $(ovs-vsctl --timeout=3 list-ifaces "$b"); do
echo " port $p"
q=$(ovs-vsctl --timeout=3 --if-exists get interface "$p" options:peer | tr -d '"')
[ -z "$q" ] || echo " peer $q"
done
done 2>/dev/null
:"""

CPU = """\
cd /sys/devices/system/cpu && grep -sH '' smt/active smt/control online isolated \
cpu[0-9]*/topology/thread_siblings_list; :"""

NUMA = "cd /sys/devices/system/node && grep -sH '' node[0-9]*/cpulist node[0-9]*/meminfo; :"

HUGEPAGES = """\
cd /sys/devices/system/node && grep -sH '' \
node[0-9]*/hugepages/hugepages-*/nr_hugepages node[0-9]*/hugepages/hugepages-*/free_hugepages; :"""

SYSCTLS = """\
cd /proc/sys/net && grep -sH '' ipv4/ip_forward ipv6/conf/all/forwarding \
ipv4/conf/*/arp_ignore ipv4/conf/*/arp_announce ipv4/conf/*/rp_filter; :"""

# Kernel threads have no arguments and are left out.
# Arguments are left out, because they may contain passwords.
PROCESSES = """\
{ ps -eo pid=,ppid=,lstart=,args= --sort=pid 2>/dev/null || ps -ef; } |
sed 's/^\\( *\\([^ ][^ ]*  *\\)\\{7\\}[^ ]*\\).*/\\1/'"""


def process_details(name: str) -> str:
    """A record per process with this name: arguments, limits and threads."""
    return f"""\
for p in /proc/[0-9]*; do
{{ IFS= read -r comm <"$p/comm"; }} 2>/dev/null || continue
[ "$comm" = {sh("{}", name)} ] || continue
echo "process ${{p##*/}}"
printf ' comm %s\\n' "$comm"
IFS= read -r stat <"$p/stat" && set -- ${{stat##*) }} && echo " ppid $2" && echo " started ${{20}}"
echo " exe $(readlink "$p/exe")"
tr '\\0' '\\n' <"$p/cmdline" | sed 's/^/ argument /'
sed -n '1d;s/^/ limit /p' "$p/limits"
sed -n 's/^\\(VmRSS\\|Threads\\|Uid\\|State\\|Cpus_allowed_list\\):[[:space:]]*/ status \\1 /p' \
"$p/status"
for t in "$p"/task/[0-9]*; do
cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$t/status")
IFS= read -r comm <"$t/comm" && printf ' thread %s %s %s\\n' "${{t##*/}}" "$cpus" "$comm"
done
done 2>/dev/null
:"""


def modinfo(modules: Iterable[str]) -> str:
    """A record per existing module, to compare its vermagic with the running kernel."""
    words = " ".join(sh("{}", module) for module in modules)
    return f"""\
for m in {words}; do
said=$(modinfo "$m" 2>/dev/null) || continue
echo "module $m"
printf '%s\\n' "$said" | sed -n 's/^\\(filename\\|vermagic\\): */ \\1 /p'
done
:"""


def tools_in_path(tools: Iterable[str]) -> str:
    """A record per tool: every match in PATH, in order, with the resolved file."""
    words = " ".join(sh("{}", tool) for tool in tools)
    return f"""\
for t in {words}; do
echo "tool $t"
IFS=:
for d in $PATH; do
[ -f "$d/$t" ] && [ -x "$d/$t" ] && echo " match $d/$t" && echo " real $(readlink -f "$d/$t")"
done
unset IFS
done
:"""


def patches(dpvs_source: str, dpdk_source: str) -> str:
    """A record per patch of DPVS for this DPDK: applied, missing, or unclear.

    The directory has the name of the source tree or of its version (`dpdk-stable-20.11.10`,
    `dpdk-24.11`). Writes nothing (`--dry-run`).
    """
    return f"""\
cd {sh("{}", dpdk_source)} || exit
here=$(pwd -P)
read -r version <VERSION
for name in "${{here##*/}}" "dpdk-stable-$version" "dpdk-$version" "dpdk-${{version%.0}}"; do
folder={sh("{}", dpvs_source)}/patch/$name
[ -d "$folder" ] && break
done 2>/dev/null
[ -d "$folder" ] || {{ echo "no patches for DPDK $version in ${{folder%/*}}" >&2; exit 3; }}
for p in "$folder"/*.patch; do
[ -e "$p" ] || continue
echo "patch ${{p##*/}}"
if why=$(patch -p1 -R --dry-run -f -s -i "$p" 2>&1); then echo " state applied"
elif patch -p1 -N --dry-run -f -s -i "$p" >/dev/null 2>&1; then echo " state missing"
else echo " state unclear"; printf '%s\\n' "$why" | sed 's/^/ why /'
fi
done
:"""
