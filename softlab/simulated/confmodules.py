"""Keywords of dpvs.conf that belong to neither ports nor workers."""

from __future__ import annotations

from softlab.simulated import tcpstates
from softlab.simulated.conf import Reader, round_down
from softlab.simulated.confkeywords import atoi, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Handler


def disable6(reader: Reader, words: list[str]) -> None:
    reader.config.ipv6_disabled = value(words).lower() == "on"
    state = "disabled" if reader.config.ipv6_disabled else "enabled"
    text = f"ipv6:disable = {value(words)}" if reader.version.device_fdir else None
    reader.say("INFO", "IPV6", text or f"ipv6:disable={state}")


def address_mode(reader: Reader, words: list[str]) -> None:
    reader.config.address_mode = value(words)
    reader.say("INFO", "IPV6", f"ipv6:addr_gen_mode={value(words)}")


def conn_pool(reader: Reader, words: list[str]) -> None:
    number = atoi(value(words))
    if number < 65536:
        line = f"invalid conn_pool_size {value(words)}, using default 2097151"
        reader.say("WARNING", "IPVS", line)
        return
    rounded = round_down(number)
    reader.config.conn_pool_size = rounded - 1
    reader.say("INFO", "IPVS", f"conn_pool_size = {rounded} (round to 2^n-1)")


def set_keyword(attribute: str, *, to: bool, text: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        setattr(reader.config, attribute, to)
        reader.say("INFO", "IPVS", text)

    return take


def uoa_mode(reader: Reader, words: list[str]) -> None:
    text = value(words)
    if text in ("opp", "ipo"):
        reader.config.uoa_mode = text
    else:
        reader.say("WARNING", "IPVS", f"invalid uoa_mode: {text}")


def timeout(proto: str, keyword: str, state: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        number = atoi(value(words))
        if 0 < number < 31536000:
            reader.config.timeouts[state] = number
            reader.say("INFO", "IPVS", f"{proto}_timeout_{keyword} = {number}")
        else:
            default = tcpstates.DEFAULT_TIMEOUTS[state]
            line = f"invalid {proto}_timeout_{keyword}, using default {default}"
            reader.say("INFO", "IPVS", line)

    return take


def pool_hash_size(reader: Reader, words: list[str]) -> None:
    # The device speaks of this one only when it is wrong.
    number = atoi(value(words))
    if 1 <= number <= 128:
        reader.config.pool_hash_size = number
    else:
        reader.say("WARNING", "SAPOOL", "sa_pool_hash_size_handler: invalid pool_hash_size")


def flow_enable(reader: Reader, words: list[str]) -> None:
    # The device says nothing when it takes this one as it should be.
    text = value(words).lower()
    reader.config.flow_enable = text != "off"
    if text not in ("on", "off"):
        reader.say("INFO", "SAPOOL", "sapool_filter_enable = on")


def priority(reader: Reader, words: list[str]) -> None:
    text = value(words)
    if text.lower() not in ("low", "norm", "high", "ign"):
        line = f"invalid priority_level {text}, using default level: low"
        reader.say("WARNING", "MSGMGR", line)
    reader.say("INFO", "MSGMGR", f"priority_level = {text}")
