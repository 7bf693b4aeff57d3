"""Keywords of a ``bonding`` block of dpvs.conf (src/netif.c)."""

from __future__ import annotations

from softlab.simulated.confkeywords import atoi, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.conf import Reader, Tree

MODES = range(7)
MOST_MEMBERS = 32


def mode(reader: Reader, words: list[str]) -> None:
    bond, number = reader.config.bonds[-1], atoi(value(words))
    if number in MODES:
        bond.mode = number
        reader.say("INFO", "NETIF", f"bonding {bond.name}:mode={number}")
    else:
        bond.mode = 0
        text = f"invalid bonding {bond.name}:mode {number}, using default 0"
        reader.say("WARNING", "NETIF", text)


def slave(reader: Reader, words: list[str]) -> None:
    bond = reader.config.bonds[-1]
    if len(bond.members) == MOST_MEMBERS:
        text = f"invalid bonding {bond.name}:salve {value(words)}, skip ..."
        reader.say("ERR", "NETIF", text)
        return
    text = f"bonding {bond.name}:slave{len(bond.members)}={value(words)}"
    reader.say("INFO", "NETIF", text)
    bond.members.append(value(words))


def primary(reader: Reader, words: list[str]) -> None:
    bond = reader.config.bonds[-1]
    bond.primary = value(words)
    reader.say("INFO", "NETIF", f"bonding {bond.name}:primary={value(words)}")


def numa_node(reader: Reader, words: list[str]) -> None:
    bond = reader.config.bonds[-1]
    bond.numa_node = atoi(value(words))
    reader.say("INFO", "NETIF", f"bonding {bond.name}:numa_node={bond.numa_node}")


def kni_name(reader: Reader, words: list[str]) -> None:
    bond = reader.config.bonds[-1]
    bond.kni_name = value(words)
    reader.say("INFO", "NETIF", f"bonding {bond.name}:kni_name={value(words)}")


def options(reader: Reader, words: list[str]) -> None:
    bond = reader.config.bonds[-1]
    reader.say("INFO", "NETIF", f"bonding {bond.name} options: {value(words)}")
    for option in value(words).split(";"):
        name, _, chosen = option.partition("=")
        if name != "dedicated_queues":
            text = f"unsupported bonding {bond.name} option: {name}"
            reader.say("WARNING", "NETIF", text)
        elif bond.mode != 4 or not chosen:
            text = f"invalid bonding {bond.name} mode 4 option: {name}, value: {chosen or name}"
            reader.say("WARNING", "NETIF", text)
        elif chosen.lower() in ("on", "enable", "off", "disable"):
            bond.dedicated = chosen.lower() in ("on", "enable")
        else:
            text = f"invalid bonding {bond.name} option value: {name}={chosen}"
            reader.say("WARNING", "NETIF", text)


def keywords(*, node: bool, choices: bool) -> Tree:
    """The keywords of a block; node, choices: the version has `numa_node` and `options`."""
    tree: Tree = {
        "mode": (mode, None),
        "slave": (slave, None),
        "primary": (primary, None),
        "kni_name": (kni_name, None),
    }
    if node:
        tree["numa_node"] = (numa_node, None)
    if choices:
        tree["options"] = (options, None)
    return tree
