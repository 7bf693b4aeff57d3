"""The keywords of dpvs.conf, what each sets and what the device logs when it takes it."""

from __future__ import annotations

from datetime import datetime

from softlab.simulated import tcpstates
from softlab.simulated.conf import Device, Queues, Reader, Worker, round_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Handler

RSS_KINDS = ("all", "ip", "tcp", "udp", "sctp", "ether", "port", "tunnel")


def _number(text: str) -> int:
    """A number as C's atoi takes it: leading digits, else 0."""
    digits = ""
    for char in text.lstrip():
        if not (char.isdigit() or (char == "-" and not digits)):
            break
        digits += char
    return int(digits) if digits.strip("-") else 0


def _value(words: list[str]) -> str:
    return words[1] if len(words) > 1 else ""


# -- global_defs ------------------------------------------------------------------------------


def log_level(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_level = {_value(words)}")
    reader.config.log_level = _value(words)
    reader.on_log("level", _value(words))


def log_file(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_file = {_value(words)}")
    reader.config.log_file = _value(words)
    reader.on_log("file", _value(words))
    when = datetime.now().astimezone().strftime("%Y/%m/%d %X %A")
    reader.say("INFO", "CFG_FILE", f"load dpvs configuation file at {when}")


def switch(attribute: str, label: str, module: str = "CFG_FILE") -> Handler:
    """A keyword that is on or off."""

    def take(reader: Reader, words: list[str]) -> None:
        text = _value(words).lower()
        if text in ("on", "off"):
            setattr(reader.config, attribute, text == "on")
        else:
            reader.say("WARNING", module, f"invalid {label} switch: {_value(words)}")
        state = "on" if getattr(reader.config, attribute) else "off"
        reader.say("INFO", module, f"{label} = {state}")

    return take


def shown(label: str, module: str, note: str = "", level: str = "INFO") -> Handler:
    """A keyword that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:
        reader.say(level, module, f"{label} = {_value(words)}{note}")

    return take


def said(text: str, module: str) -> Handler:
    """A keyword without a value that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        reader.say("INFO", module, text)

    return take


def ranged(
    attribute: str,
    label: str,
    module: str,
    low: int,
    high: int,
    default: int,
    note: str = "",
    level: str = "INFO",
) -> Handler:
    """A number within limits; outside them the default is taken, with a warning."""

    def take(reader: Reader, words: list[str]) -> None:
        number = _number(_value(words))
        if low <= number <= high:
            setattr(reader.config, attribute, number)
            reader.say(level, module, f"{label} = {number}{note}")
        else:
            setattr(reader.config, attribute, default)
            text = f"invalid {label} {_value(words)}, using default {default}"
            reader.say("WARNING", module, text)

    return take


# -- netif_defs -------------------------------------------------------------------------------


def pktpool_size(reader: Reader, words: list[str]) -> None:
    number = _number(_value(words))
    if not 1023 <= number <= 134217728:
        reader.config.pktpool_size = 65535
        text = f"invalid pktpool_size {_value(words)}, using default 65535"
        reader.say("WARNING", "NETIF", text)
        return
    reader.config.pktpool_size = round_down(number, 1) - 1
    text = f"pktpool_size = {reader.config.pktpool_size} (round to 2^n-1)"
    reader.say("INFO", "NETIF", text)


def device_keyword(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif device config: {_value(words)}")
    reader.config.devices.append(Device(_value(words)))


def bonding(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif bonding config: {_value(words)}")
    reader.config.bonds.append(_value(words))


def queues(attribute: str, label: str, level: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = _number(_value(words))
        if 0 <= number <= MAX_QUEUES_OF_DEVICE:
            setattr(device, attribute, number)
            reader.say(level, "NETIF", f"{device.name}:{label} = {number}")
        else:
            text = f"invalid {device.name}:{label} {_value(words)}, using default 16"
            reader.say("WARNING", "NETIF", text)

    return take


MAX_QUEUES_OF_DEVICE = 16


def descriptors(attribute: str, label: str, default: int) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = _number(_value(words))
        if 16 <= number <= 8192:
            setattr(device, attribute, round_down(number))
            text = f"{device.name}:{label} = {round_down(number)} (round to 2^n)"
            reader.say("INFO", "NETIF", text)
        else:
            setattr(device, attribute, default)
            text = f"invalid {device.name}:{label} {_value(words)}, using default {default}"
            reader.say("WARNING", "NETIF", text)

    return take


def rss(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = _value(words)
    if all(kind.strip() in RSS_KINDS for kind in text.split("|")):
        device.rss = text
        reader.say("INFO", "NETIF", f"{device.name}:rss = {text}")
    else:
        line = f"invalid {device.name}:rss {text}, using default rss_tcp"
        reader.say("WARNING", "NETIF", line)


def fast_free(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = _value(words)
    if text.lower() not in ("on", "off"):
        line = f"invalid {device.name}:tx_mbuf_fast_free, using default ON"
        reader.say("WARNING", "NETIF", line)
        return
    device.fast_free = text.lower() == "on"
    reader.say("INFO", "NETIF", f"{device.name}:tx_mbuf_fast_free = {text}")


def flag(attribute: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        setattr(reader.config.devices[-1], attribute, True)

    return take


def mtu(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    number = _number(_value(words))
    if 0 < number <= 9000:
        device.mtu = number
        reader.say("INFO", "NETIF", f"{device.name}:mtu = {number}")
    else:
        text = f"invalid {device.name}:MTU {_value(words)}, using default 1500"
        reader.say("WARNING", "NETIF", text)


def kni_name(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    device.kni_name = _value(words)
    space = " " if reader.version.device_fdir else ""
    reader.say("INFO", "NETIF", f"{device.name}:{space}kni_name = {_value(words)}")


def fdir(label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        reader.say("INFO", "NETIF", f"{device.name}:fdir_{label} = {_value(words)}")

    return take


# -- worker_defs ------------------------------------------------------------------------------


def worker_keyword(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif worker config: {_value(words)}")
    reader.config.workers.append(Worker(_value(words)))


def role(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = _value(words)
    if text in ("master", "slave", "kni"):
        worker.role = text
        reader.say("INFO", "NETIF", f"{worker.name}:type = {text}")
    else:
        line = f"invalid {worker.name}:type {text}, using default slave"
        reader.say("WARNING", "NETIF", line)


def cpu(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = _value(words)
    if text.isdigit() and int(text) < 64:
        worker.cpu = int(text)
        reader.say("INFO", "NETIF", f"{worker.name}:cpu_id = {worker.cpu}")
    else:
        line = f"invalid {worker.name}:cpu_id {text}, using default 0"
        reader.say("WARNING", "NETIF", line)


def icmp(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
    worker = reader.config.workers[-1]
    worker.icmp = True
    text = f"{worker.name}({worker.cpu}) used to redirect icmp packets"
    reader.say("INFO", "NETIF", text)


def worker_port(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    worker.ports.append(Queues(_value(words)))
    reader.say("INFO", "NETIF", f"worker {worker.name}:{_value(words)} queue config")


def queue_ids(attribute: str, label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        worker = reader.config.workers[-1]
        queues = worker.ports[-1]
        for text in words[1:]:
            number = _number(text)
            if not 0 <= number < 16:
                line = f"invalid worker {worker.name}:{queues.port} {label} {text}, using default 0"
                reader.say("WARNING", "NETIF", line)
                number = 0
            else:
                line = f"worker {worker.name}:{queues.port} {label} += {number}"
                reader.say("WARNING", "NETIF", line)
            getattr(queues, attribute).append(number)

    return take


# -- the other modules ------------------------------------------------------------------------


def disable6(reader: Reader, words: list[str]) -> None:
    reader.config.ipv6_disabled = _value(words).lower() == "on"
    state = "disabled" if reader.config.ipv6_disabled else "enabled"
    text = f"ipv6:disable = {_value(words)}" if reader.version.device_fdir else None
    reader.say("INFO", "IPV6", text or f"ipv6:disable={state}")


def address_mode(reader: Reader, words: list[str]) -> None:
    reader.config.address_mode = _value(words)
    reader.say("INFO", "IPV6", f"ipv6:addr_gen_mode={_value(words)}")


def conn_pool(reader: Reader, words: list[str]) -> None:
    number = _number(_value(words))
    if number < 65536:
        line = f"invalid conn_pool_size {_value(words)}, using default 2097152"
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
    text = _value(words)
    if text in ("opp", "ipo"):
        reader.config.uoa_mode = text
    else:
        reader.say("WARNING", "IPVS", f"invalid uoa_mode: {text}")


def timeout(proto: str, keyword: str, state: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        number = _number(_value(words))
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
    number = _number(_value(words))
    if 1 <= number <= 128:
        reader.config.pool_hash_size = number
    else:
        reader.say("WARNING", "SAPOOL", "sa_pool_hash_size_handler: invalid pool_hash_size")


def flow_enable(reader: Reader, words: list[str]) -> None:
    # The device says nothing when it takes this one.
    reader.config.flow_enable = _value(words).lower() != "off"
