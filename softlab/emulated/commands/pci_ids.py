"""Names of the PCI devices that are emulated, as in pci.ids."""

CLASSES = {
    "0104": "RAID bus controller",
    "0200": "Ethernet controller",
    "0300": "VGA compatible controller",
    "0600": "Host bridge",
    "0604": "PCI bridge",
}
VENDORS = {
    "1000": "LSI Logic / Symbios Logic",
    "1028": "Dell",
    "102b": "Matrox Electronics Systems Ltd.",
    "8086": "Intel Corporation",
}
DEVICES = {
    "1000:005d": "MegaRAID SAS-3 3108 [Invader]",
    "102b:0534": "G200eR2",
    "8086:10fb": "82599ES 10-Gigabit SFI/SFP+ Network Connection",
    "8086:1521": "I350 Gigabit Network Connection",
    "8086:1528": "Ethernet Controller 10-Gigabit X540-AT2",
    "8086:154d": "Ethernet 10G 2P X520 Adapter",
    "8086:6f00": "Xeon E7 v4/Xeon E5 v4/Xeon E3 v4/Xeon D DMI2",
    "8086:6f04": "Xeon E7 v4/Xeon E5 v4/Xeon E3 v4/Xeon D PCI Express Root Port 2",
}
SUBSYSTEMS = {
    "8086:000c": "Ethernet Server Adapter X520-2",
    "8086:7b11": "10GbE 2P X520 Adapter",
    "1028:0627": "PowerEdge R630",
    "1028:1f49": "PERC H730 Mini",
    "1028:1f60": "Gigabit 4P I350-t rNDC",
}
#: What the kernel's modules.alias names for a device.
MODULES = {
    "1000:005d": "megaraid_sas",
    "8086:10fb": "ixgbe",
    "8086:1521": "igb",
    "8086:1528": "ixgbe",
    "8086:154d": "ixgbe",
}
