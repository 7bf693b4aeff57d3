"""ethtool for the emulated NICs: settings and driver; anything else goes to the real ethtool."""

import os
import sys
from pathlib import Path

_REAL = ("/usr/sbin/ethtool", "/sbin/ethtool")
_VERSIONS = {"ixgbe": ("5.1.0-k-rh7.7", "0x61c10001"), "igb": ("5.4.0-k", "1.67, 0x80000fab")}


def main(arguments: list[str]) -> int:
    if len(arguments) == 1 and _driver(arguments[0]):
        print(_settings(arguments[0]))
        return 0
    if len(arguments) == 2 and arguments[0] in ("-i", "--driver") and _driver(arguments[1]):
        print(_information(arguments[1]))
        return 0
    for path in _REAL:
        if os.access(path, os.X_OK):
            os.execv(path, ["ethtool", *arguments])  # noqa: S606
    print(f"ethtool: {' '.join(arguments)} is not emulated", file=sys.stderr)
    return 1


def _driver(interface: str) -> str:
    link = Path("/sys/class/net", interface, "device/driver")
    return link.readlink().name if "/" not in interface and link.is_symlink() else ""


def _read(interface: str, name: str) -> str:
    try:
        return Path("/sys/class/net", interface, name).read_text().strip()
    except OSError:  # as of an interface that is down
        return ""


def _settings(interface: str) -> str:
    up = _read(interface, "carrier") == "1"
    ten = _driver(interface) == "ixgbe"
    modes = "10000baseT/Full" if ten else "10baseT/Half 10baseT/Full 1000baseT/Full"
    speed = _read(interface, "speed")
    rows = (
        ("Supported ports:", "[ FIBRE ]" if ten else "[ TP ]"),
        ("Supported link modes:", f"  {modes} "),
        ("Supported pause frame use:", "Symmetric"),
        ("Supports auto-negotiation:", "No" if ten else "Yes"),
        ("Supported FEC modes:", "Not reported"),
        ("Advertised link modes:", f" {modes} "),
        ("Advertised pause frame use:", "Symmetric"),
        ("Advertised auto-negotiation:", "No" if ten else "Yes"),
        ("Advertised FEC modes:", "Not reported"),
        ("Speed:", f"{speed}Mb/s" if up else "Unknown!"),
        ("Duplex:", "Full" if up else "Unknown! (255)"),
        ("Port:", "FIBRE" if ten else "Twisted Pair"),
        ("PHYAD:", "0"),
        ("Transceiver:", "internal"),
        ("Auto-negotiation:", "off" if ten else "on"),
        ("Supports Wake-on:", "d"),
        ("Wake-on:", "d"),
        ("Current message level:", "0x00000007 (7)\n\t\t\t       drv probe link"),
        ("Link detected:", "yes" if up else "no"),
    )
    return f"Settings for {interface}:\n" + "\n".join(f"\t{key} {value}" for key, value in rows)


def _information(interface: str) -> str:
    driver = _driver(interface)
    version, firmware = _VERSIONS.get(driver, ("", ""))
    address = Path("/sys/class/net", interface, "device").resolve().name
    rows = (
        ("driver", driver),
        ("version", version),
        ("firmware-version", firmware),
        ("expansion-rom-version", ""),
        ("bus-info", address),
        ("supports-statistics", "yes"),
        ("supports-test", "yes"),
        ("supports-eeprom-access", "yes"),
        ("supports-register-dump", "yes"),
        ("supports-priv-flags", "yes"),
    )
    return "\n".join(f"{key}: {value}" for key, value in rows)
