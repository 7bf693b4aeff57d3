"""An interface that is taken away or put down, and everything of it that is then put back.

Sh text that reads what an interface is now, and prints the commands that make it so again: its MTU,
what it is a member of (bridge, bond, team, Open vSwitch) and its options there, whether it is up,
its addresses and routes, and the sysctls that are its own. They may be run where nothing is
missing, and twice.
"""

from __future__ import annotations

# What the kernel makes by itself (proto kernel, link-local addresses) or learns again (proto ra,
# dynamic) is left to it.
_KEEP = r"""
said=$(ip -d -o link show dev @N@) || exit
word() { echo "$said" | sed -n "s|.* $1 \([^ ]*\) .*|\1|p"; }
safe() {
case $1 in ''|*[!A-Za-z0-9_.:/%@\ -]*) echo "@N@: what is to be kept has a strange name: $1" >&2
exit 1 ;; esac
}
echo 'bad=; tries=0'
echo 'until ip link show dev @N@ >/dev/null 2>&1 || [ $tries -ge 50 ]; do'
echo 'tries=$((tries+1)); sleep 0.1; done'
default=$(grep -sH '' /proc/sys/net/ipv[46]/conf/default/* | sed 's|/default/|/@N@/|')
grep -sH '' /proc/sys/net/ipv[46]/conf/@N@/* | grep -vxF -e "$default" |
sed -n '/\/mtu:/d;s/^\([^:]*\):\(-\{0,1\}[0-9]*\)$/[ ! -e \1 ] || echo \2 >\1 || bad=1/p'
v=$(word mtu); safe "$v"; echo "ip link set dev @N@ mtu $v || bad=1"
v=$(word addrgenmode); [ -z "$v" ] || echo "ip link set dev @N@ addrgenmode $v 2>/dev/null"
v=$(word link/ether)
[ -z "$v" ] || { safe "$v"; echo "ip -o link show dev @N@ | grep -q ' $v ' ||"
echo "ip link set dev @N@ address $v || bad=1"; }
m=$(word master)
case $m in
'') ;;
ovs-system)
b=$(ovs-vsctl --timeout=5 port-to-br @N@) || exit
safe "$b"; echo "ovs-vsctl --timeout=5 --may-exist add-port $b @N@ || bad=1" ;;
*)
safe "$m"
echo "ip -o link show dev @N@ | grep -q ' master $m ' ||"
echo "ip link set dev @N@ master $m 2>/dev/null ||"
echo "{ ip link set dev @N@ down && ip link set dev @N@ master $m; } || bad=1"
options=
for o in cost priority hairpin guard root_block fastleave learning flood mcast_flood bcast_flood \
neigh_suppress isolated; do
case $said in *bridge_slave*)
v=$(echo "${said#*bridge_slave}" | sed -n "s/.* $o \([a-z0-9]*\) .*/\1/p")
[ -z "$v" ] || options="$options $o $v" ;; esac
done
[ -z "$options" ] || echo "ip link set dev @N@ type bridge_slave$options || bad=1"
vlans=$(bridge vlan show dev @N@ 2>/dev/null | sed 's/^[^ \t]*//; s/Egress//' | tr 'A-Z\t' 'a-z ' |
sed -n 's/^ *\([0-9][0-9]*\) *\(.*[^ ]\)* *$/\1 \2/p')
[ -z "$vlans" ] || { echo "bridge vlan del dev @N@ vid 1 2>/dev/null"
echo "$vlans" | sed 's/.*/bridge vlan add dev @N@ vid & || bad=1/'; } ;;
esac
case $said in *[\<,]UP[,\>]*) v=up ;; *) v=down ;; esac
echo "ip link set dev @N@ $v || bad=1"
ip -o addr show dev @N@ | while read -r _ _ family address rest; do
rest=${rest%%\\*}
case "$rest " in *" dynamic "*|*" temporary "*|*" tentative "*) continue ;; esac
safe "$address $rest"
case $family.$rest in
inet6.*"scope link"*) ;;
inet6.*) echo "ip addr replace $address dev @N@ ${rest%% nodad*} nodad || bad=1" ;;
inet.*) echo "ip addr replace $address dev @N@ ${rest% *} label ${rest##* } || bad=1" ;;
esac
done | sed 's/ \(secondary\|permanent\|deprecated\|mngtmpaddr\|proto [a-z_]*\) / /g'
for f in -4 -6; do
said=$(ip $f route show table all dev @N@ 2>/dev/null | grep -v -e 'proto kernel' -e 'proto ra' \
-e '^local' -e '^broadcast' -e '^multicast' -e '^anycast' -e '^ff00' |
sed 's/ \(linkdown\|dead\|pref medium\|expires [0-9]*sec\)//g')
# What is on the link comes before what goes by a gateway there.
{ echo "$said" | grep -v ' via '; echo "$said" | grep ' via '; } | while read -r line; do
[ -n "$line" ] || continue
safe "$line"; echo "ip $f route replace $line dev @N@ || bad=1"
done
done
echo '[ -z "$bad" ]'
"""


def keep(interface: str) -> str:
    """Sh text that prints what puts `interface` back as it is now.

    It fails, and the change that it belongs to is not made, where the interface is not there or
    something of it has a name that is no plain word.
    """
    return _KEEP.strip().replace("@N@", interface)
