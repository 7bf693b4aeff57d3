"""The packets that DPVS generates with SYN proxy: the SYN-ACK, and the SYN to the RS.

Pure functions of the client's SYN; ``ip_vs_synproxy.c`` (v1.10.2; since v1.8 only defaults
changed).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dpvs_acceptance.traffic import tcpoptions
from dpvs_acceptance.traffic.connection import Connection, FullNat
from dpvs_acceptance.traffic.expected import WRAP, Expected, tcp_at_rs
from dpvs_acceptance.traffic.tcpoptions import (
    MSS,
    NOP,
    SACK_PERMITTED,
    TIMESTAMP,
    WSCALE,
    Options,
    TcpOption,
)
from dpvs_acceptance.traffic.views import DONT_FRAGMENT, TcpView

# msstab: MSS values that the cookie can encode (the largest that is not above the client's).
COOKIE_MSS = (64, 256, 512, 536, 1024, 1280, 1440, 1452, 1460, 4312)
NO_MSS = 536
RS_WINDOW = 5000
COOKIE = {"seq": "a cookie, a keyed hash that only the device can compute"}
UNSET4 = {"ip_id": "DPVS does not initialise it (syn_proxy_send_rs_syn sets no id)"}
UNSET6 = {
    "tos": "DPVS does not initialise it (syn_proxy_send_rs_syn sets only ip6_vfc)",
    "flow_label": "likewise",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """ipvs_defs/tcp/synproxy of dpvs.conf, with DPVS's own defaults.

    sack: the default since 1.9.6. wscale 0 and timestamp False: the client's options become NOPs.
    close_window: ``close_client_window`` since 1.9.2, always before: the client gets a window of 0
    until the real server has answered.
    """

    mss: int = 1452
    ttl: int = 63
    sack: bool = True
    wscale: int = 0
    close_window: bool = False


DEFAULTS = Settings()


def syn_ack(syn: TcpView, facts: FullNat, settings: Settings) -> Expected:
    """DPVS's SYN-ACK, made from the client's SYN (syn_proxy_reuse_mbuf)."""
    options = _options(syn.options, settings)
    wan = facts.wan
    view = replace(
        syn,
        mac_src=wan.dut_mac,
        mac_dst=facts.wan_peer_mac,
        src=syn.dst,
        dst=syn.src,
        sport=syn.dport,
        dport=syn.sport,
        seq=0,
        ack=(syn.seq + 1) % WRAP,
        flags="SA",
        ttl=settings.ttl - facts.behaviour.ttl_step,
        tos=0 if syn.version == 4 else syn.tos,
        window=0 if settings.close_window else syn.window,
        options=options,
        padding=b"",
        checksum="correct",
    )
    return Expected(view, COOKIE)


def _options(options: Options, settings: Settings) -> Options:
    """syn_proxy_parse_set_opts: MSS at most DPVS's, unsupported options become NOPs."""
    out: list[TcpOption] = []
    for option in options:
        if option.kind == MSS and len(option.data) == 2:
            asked = int.from_bytes(option.data, "big")
            out.append(tcpoptions.mss(min(asked, settings.mss) if asked else NO_MSS))
        elif option.kind == WSCALE and settings.wscale:
            out.append(tcpoptions.wscale(settings.wscale))
        elif option.kind in (WSCALE, TIMESTAMP) or (
            option.kind == SACK_PERMITTED and not settings.sack
        ):
            out += [TcpOption(NOP)] * len(option.encode())
        else:
            out.append(option)
    return tuple(out)


def rs_syn(syn: TcpView, ack: TcpView, connection: Connection, settings: Settings) -> Expected:
    """The SYN to the real server, with the client's options as encoded in the cookie."""
    four = connection.client.version == 4
    bare = replace(
        syn,
        # As if sent by the client; FullNAT then translates it.
        ttl=64 + connection.service.behaviour.ttl_step,
        tos=ack.tos & 0x1E if four else 0,
        flow_label=None if four else 0,
        ip_id=0 if four else None,
        ip_flags=DONT_FRAGMENT if four else None,
        ip_options=b"",
        flags="S",
        reserved=0,
        ack=0,
        urgent=0,
        window=RS_WINDOW,
        options=(options := _remembered(syn.options, settings)),
        options_left=b"",
        payload=b"",
        data_offset=5 + len(tcpoptions.encode(options)) // 4,
        ip_length=(20 if four else 40) + 20 + len(tcpoptions.encode(options)),
    )
    expected = tcp_at_rs(bare, connection)
    unset = {} if connection.rs.version != connection.client.version else UNSET4 if four else UNSET6
    return Expected(expected.view, {**expected.free, **unset})


def _remembered(options: Options, settings: Settings) -> Options:
    """syn_proxy_syn_build_options, from the content of the cookie."""
    asked = next((int.from_bytes(o.data, "big") for o in options if o.kind == MSS), 0)
    clamp = min(asked, settings.mss) if asked else NO_MSS
    mss = max((one for one in COOKIE_MSS if one <= clamp), default=COOKIE_MSS[0])
    out = [tcpoptions.mss(mss)]
    nop = TcpOption(NOP)
    if settings.sack and any(o.kind == SACK_PERMITTED for o in options):
        out += [nop, nop, TcpOption(SACK_PERMITTED)]
    scale = next((o for o in options if o.kind == WSCALE and o.data), None)
    if settings.wscale and scale is not None and scale.data[0]:
        out += [nop, tcpoptions.wscale(min(scale.data[0], 14))]
    return tuple(out)
