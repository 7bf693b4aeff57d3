"""lb01 as a virtual machine: a stock Debian kernel on virtual hardware that nothing here plays.

In a lab of namespaces, `softlab.emulated` plays the DUT's PCI bus, modules and NUMA nodes. Here
QEMU has them, with an ordinary Debian: systemd, udev, modprobe, igb_uio built by dkms, a real
reboot. Clients, router and real servers stay namespaces; the DUT's NICs are taps on their links.

- `recipe`, `image`: the disk, made once from Debian packages and kept in the user's cache
- `machine`: the machine as QEMU's command line
- `seed`: what a lab lays into the disk at its first boot
- `running`: starts QEMU inside the lab, and waits for its sshd
- `acceleration`: whether QEMU can use KVM here
- `driver`, `pages`: run in the guest where DPVS is simulated, in the place of DPDK's driver and EAL
"""
