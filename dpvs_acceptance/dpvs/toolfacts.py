"""Answers of DPVS's tools to invalid commands, by version.

Recorded on real builds of 1.8.10, 1.9.10 and 1.10.2. dpip exits with 1, or with 0 if it did not
check the command. ipvsadm exits with DPVS's negative error code as a byte (-3: 253) and often
prints `Success`; the error from the socket is the reliable part of the message. Cases that exit
with 0 without doing anything are described in docs/findings.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dpvs_acceptance.dpvs.answers import Said
from dpvs_acceptance.dpvs.versions import Version, facts

_EXISTS = Said(1, "already exist(-3)")
_MISSING = Said(1, "not exist(-4)")
_INVALID = Said(1, "invalid parameter(-1)")
_NO_DEVICE = Said(1, "no such device(-27)")
_BAD_ADDRESS = Said(1, "invalid ipaddress: ")
_NOTHING = Said(0)
_CALLBACK = "msg callback failed(-23)"

_DPIP: Mapping[str, Said] = {
    "object that is none": Said(1, "dpip: invalid object"),
    "command that is none": Said(1, "invalid command "),
    # tools/dpip/link.c
    "link show, no such device": _MISSING,
    "link show, no such lcore": _INVALID,
    "link set, no such device": Said(0, "invalid parameter(-1)"),
    "link set, bad value": Said(0, "invalid arguement value for"),
    "link set, bad item": Said(1, "invalid parameter name"),
    # addr.c
    "addr add, existing": _EXISTS,
    "addr add, no such device": _MISSING,
    "addr add, bad address": _BAD_ADDRESS,
    "addr add, bad length": _INVALID,
    "addr add, device not named": Said(1, "no device specified."),
    "addr add, address not named": Said(1, "missing IFADDR"),
    "addr del, missing": _MISSING,
    "addr del, no such device": _MISSING,
    "addr show, no such device": _MISSING,
    "addr flush, no such device": _MISSING,
    "addr flush, device not named": Said(1, "no device specified."),
    # route.c: IPv4 and IPv6 are separate modules of DPVS with different behaviour
    "route add, existing": _NOTHING,
    "route del, missing": _NOTHING,
    "-6 route add, existing": _EXISTS,
    "-6 route del, missing": _MISSING,
    "route add, no such device": _INVALID,
    "route add, device not named": _INVALID,
    "route add, bad address": _BAD_ADDRESS,
    "route add, prefix not named": Said(1, "missing prefix"),
    "route set": Said(1, "not support"),
    "route show of one device": Said(1, "corrupted response."),
    # neigh.c
    "neigh add, no such device": _INVALID,
    "neigh add, device not named": _INVALID,
    "neigh add, bad address": Said(1, "invalid IP address"),
    "neigh add, bad MAC": Said(1, "invalid link layer addr"),
    "neigh add, MAC not named": Said(1, "invalid MAC address"),
    "neigh del, missing": _NOTHING,
    "neigh show, no such device": _MISSING,
    # vlan.c, tunnel.c
    "vlan add, existing": _EXISTS,
    "vlan add, no such device": _NO_DEVICE,
    "vlan add, bad id": _INVALID,
    "vlan add, id not named": Said(1, "missing or invalid VLAN ID"),
    "vlan del, missing": _MISSING,
    "vlan show, missing": _NO_DEVICE,
    "tunnel add, existing": _EXISTS,
    "tunnel add, bad mode": _INVALID,
    "tunnel add, mode not named": Said(1, "missing tunnel type."),
    "tunnel add, bad address": Said(1, "invalid local address"),
    "tunnel del, missing": _MISSING,
    "tunnel show, missing": _MISSING,
    # qsch.c, cls.c
    "qsch add, existing": _EXISTS,
    "qsch add, bad kind": Said(1, "invalid/miss qsch kind"),
    "qsch add, no such device": _NO_DEVICE,
    "qsch del, missing": _MISSING,
    "cls del, missing": _MISSING,
}

_IPVSADM: Mapping[str, Said] = {
    "service add, existing": Said(253, "already exist(-3)"),
    "service add, bad address": Said(2, "illegal virtual server address[:port] specified"),
    "service add, port not named": Said(2, "Zero port specified"),
    "service add, address not named": Said(2, "You need to supply the 'service-address' option"),
    "service add, no such scheduler": Said(252, "not exist(-4)"),
    "service edit, missing": Said(255, _CALLBACK),
    "service edit, no such scheduler": Said(252, "not exist(-4)"),
    "service del, missing": Said(255, "invalid parameter(-1)"),
    "service zero, missing": Said(255, "invalid parameter(-1)"),
    "service show, missing": Said(1, _CALLBACK),
    "match add, bad protocol": Said(2, "illegal match specified"),
    "RS add, existing": Said(253, "already exist(-3)"),
    "RS add, no service": Said(255, "invalid parameter(-1)"),
    "RS add, bad address": Said(2, "illegal real server address[:port] specified"),
    "RS add, bad weight": Said(2, "illegal weight specified"),
    "RS add, RS not named": Said(2, "You need to supply the 'real-server' option"),
    "RS edit, missing": Said(252, "not exist(-4)"),
    "RS del, missing": Said(252, "not exist(-4)"),
    "LIP add, existing": Said(253, "already exist(-3)"),
    "LIP add, no such device": Said(252, "not exist(-4)"),
    "LIP add, no service": Said(239, "no service(-17)"),
    "LIP add, bad address": Said(2, "illegal local address"),
    "LIP add, device not named": Said(2, "You need to supply the 'ifname' option"),
    "LIP del, missing": Said(252, "not exist(-4)"),
    "blacklist add, existing": _NOTHING,
    "blacklist add, no service": _NOTHING,
    "blacklist add, bad address": Said(2, "illegal blacklist"),
    "blacklist del, missing": Said(252, "not exist(-4)"),
    "whitelist add, existing": _NOTHING,
    "whitelist add, bad address": Said(2, "illegal whitelist"),
    "whitelist del, missing": Said(252, "not exist(-4)"),
    "synproxy, bad value": Said(2, "synproxy switch must be enable or disable"),
    "session, missing": Said(0, "connection specified not found"),
    "session, bad address": Said(2, "illegal sockpair"),
}

# The old `dpip route flush` requires a prefix that its help does not mention, and flushes nothing.
_FLUSH_OF_ALL: Mapping[str, Said] = {
    "route flush, device not named": Said(1, "missing prefix"),
    "route flush, no such device": Said(1, "missing prefix"),
}
_FLUSH_OF_ONE: Mapping[str, Said] = {
    "route flush, device not named": Said(1, "no device specified"),
    "route flush, no such device": _INVALID,
}


def tool_facts(version: Version) -> Mapping[str, Said]:
    """Output and exit status of each case in `version`."""
    known = facts(version)
    differing = _FLUSH_OF_ALL if known.route_flush == "route flush" else _FLUSH_OF_ONE
    show = {"LIP show, no service": Said(known.missing_service_status, _CALLBACK)}
    return MappingProxyType({**_DPIP, **_IPVSADM, **differing, **show})
