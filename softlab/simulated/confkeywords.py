"""Keywords of dpvs.conf, those of ports and workers first: what each sets, and what the device logs
when it takes it."""

from __future__ import annotations

import signal
from datetime import datetime

from softlab.simulated.conf import Bonding, Crash, Device, Queues, Reader, Worker, round_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Handler

RSS_KINDS = ("all", "ip", "tcp", "udp", "sctp", "ether", "port", "tunnel")


def atoi(text: str) -> int:
    """A number as C's atoi takes it: leading digits, else 0."""
    digits = ""
    for char in text.lstrip():
        if not (char.isdigit() or (char == "-" and not digits)):
            break
        digits += char
    return int(digits) if digits.strip("-") else 0


def value(words: list[str]) -> str:
    """The word after a keyword, which the device takes for granted."""
    if len(words) < 2:
        text = "parser.c:382: set_value: Assertion `VECTOR_SIZE(tokens) > 1' failed."
        raise Crash(signal.SIGABRT, text)
    return words[1]


# -- global_defs ------------------------------------------------------------------------------


def log_level(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_level = {value(words)}")
    reader.config.log_level = value(words)
    reader.on_log("level", value(words))


def log_file(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "CFG_FILE", f"log_file = {value(words)}")
    reader.config.log_file = value(words)
    if not reader.on_log("file", value(words)):
        return
    when = datetime.now().astimezone().strftime("%Y/%m/%d %X %A")
    reader.say("INFO", "CFG_FILE", f"load dpvs configuation file at {when}")


def switch(attribute: str, label: str, module: str = "CFG_FILE") -> Handler:
    """A keyword that is on or off."""

    def take(reader: Reader, words: list[str]) -> None:
        text = value(words).lower()
        if text in ("on", "off"):
            setattr(reader.config, attribute, text == "on")
        else:
            reader.say("WARNING", module, f"invalid {label} switch: {value(words)}")
        state = "on" if getattr(reader.config, attribute) else "off"
        reader.say("INFO", module, f"{label} = {state}")

    return take


def shown(label: str, module: str, note: str = "", level: str = "INFO") -> Handler:
    """A keyword that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:
        reader.say(level, module, f"{label} = {value(words)}{note}")

    return take


def said(text: str, module: str) -> Handler:
    """A keyword without a value that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:  # noqa: ARG001 - the handlers' shape
        reader.say("INFO", module, text)

    return take


def limited(
    label: str,
    module: str,
    low: int,
    high: int,
    default: int,
    note: str = "",
    *,
    wrong: str = "invalid {} {}, using default {}",
    power: bool = False,
) -> Handler:
    """A number within limits that the simulated device takes but does not act on."""

    def take(reader: Reader, words: list[str]) -> None:
        number = atoi(value(words))
        if low <= number <= high:
            number = round_down(number) if power else number
            reader.say("INFO", module, f"{label} = {number}{note}")
        else:
            reader.say("WARNING", module, wrong.format(label, value(words), default))

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
    *,
    wrong: str = "invalid {} {}, using default {}",
) -> Handler:
    """A number within limits; outside them the default is taken, with a warning."""

    def take(reader: Reader, words: list[str]) -> None:
        number = atoi(value(words))
        if low <= number <= high:
            setattr(reader.config, attribute, number)
            reader.say(level, module, f"{label} = {number}{note}")
        else:
            setattr(reader.config, attribute, default)
            reader.say("WARNING", module, wrong.format(label, value(words), default))

    return take


# -- netif_defs -------------------------------------------------------------------------------


def pktpool_size(reader: Reader, words: list[str]) -> None:
    number = atoi(value(words))
    if not 1023 <= number <= 134217728:
        reader.config.pktpool_size = 65535
        text = f"invalid pktpool_size {value(words)}, using default 65535"
        reader.say("WARNING", "NETIF", text)
        return
    reader.config.pktpool_size = round_down(number, 1) - 1
    text = f"pktpool_size = {reader.config.pktpool_size} (round to 2^n-1)"
    reader.say("INFO", "NETIF", text)


def device_keyword(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif device config: {value(words)}")
    reader.config.devices.append(Device(value(words)))


def bonding(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif bonding config: {value(words)}")
    reader.config.bonds.append(Bonding(value(words)))


def queues(attribute: str, label: str, level: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = atoi(value(words))
        if 0 <= number <= MAX_QUEUES_OF_DEVICE:
            setattr(device, attribute, number)
            reader.say(level, "NETIF", f"{device.name}:{label} = {number}")
        else:
            text = f"invalid {device.name}:{label} {value(words)}, using default 16"
            reader.say("WARNING", "NETIF", text)

    return take


MAX_QUEUES_OF_DEVICE = 16


def descriptors(attribute: str, label: str, default: int) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        number = atoi(value(words))
        if 16 <= number <= 8192:
            setattr(device, attribute, round_down(number))
            text = f"{device.name}:{label} = {round_down(number)} (round to 2^n)"
            reader.say("INFO", "NETIF", text)
        else:
            setattr(device, attribute, default)
            text = f"invalid {device.name}:{label} {value(words)}, using default {default}"
            reader.say("WARNING", "NETIF", text)

    return take


def rss(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = value(words)
    if all(kind.strip() in RSS_KINDS for kind in text.split("|")):
        device.rss = text
        reader.say("INFO", "NETIF", f"{device.name}:rss = {text}")
    else:
        line = f"invalid {device.name}:rss {text}, using default rss_tcp"
        reader.say("WARNING", "NETIF", line)


def fast_free(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    text = value(words)
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
    number = atoi(value(words))
    if 0 < number <= 9000:
        device.mtu = number
        reader.say("INFO", "NETIF", f"{device.name}:mtu = {number}")
    else:
        text = f"invalid {device.name}:MTU {value(words)}, using default 1500"
        reader.say("WARNING", "NETIF", text)


def kni_name(reader: Reader, words: list[str]) -> None:
    device = reader.config.devices[-1]
    device.kni_name = value(words)
    space = " " if reader.version.device_fdir else ""
    reader.say("INFO", "NETIF", f"{device.name}:{space}kni_name = {value(words)}")


def fdir(label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        device = reader.config.devices[-1]
        reader.say("INFO", "NETIF", f"{device.name}:fdir_{label} = {value(words)}")

    return take


# -- worker_defs ------------------------------------------------------------------------------


def worker_keyword(reader: Reader, words: list[str]) -> None:
    reader.say("INFO", "NETIF", f"netif worker config: {value(words)}")
    reader.config.workers.append(Worker(value(words)))


def role(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = value(words)
    if text in ("master", "slave", "kni"):
        worker.role = text
        reader.say("INFO", "NETIF", f"{worker.name}:type = {text}")
    else:
        line = f"invalid {worker.name}:type {text}, using default slave"
        reader.say("WARNING", "NETIF", line)


def cpu(reader: Reader, words: list[str]) -> None:
    worker = reader.config.workers[-1]
    text = value(words)
    if text.isdigit():
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
    worker.ports.append(Queues(value(words)))
    reader.say("INFO", "NETIF", f"worker {worker.name}:{value(words)} queue config")


def queue_ids(attribute: str, label: str) -> Handler:
    def take(reader: Reader, words: list[str]) -> None:
        worker = reader.config.workers[-1]
        queues = worker.ports[-1]
        for text in words[1:]:
            number = atoi(text)
            if not 0 <= number < 16:
                line = f"invalid worker {worker.name}:{queues.port} {label} {text}, using default 0"
                reader.say("WARNING", "NETIF", line)
                number = 0
            else:
                line = f"worker {worker.name}:{queues.port} {label} += {number}"
                reader.say("WARNING", "NETIF", line)
            getattr(queues, attribute).append(number)

    return take
