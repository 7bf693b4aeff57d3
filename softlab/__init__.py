"""The software lab: five hosts, their links and a load balancer in a box, on one Linux machine.

`python -m softlab up --dir DIR` starts it. A host is a set of anonymous namespaces (network,
mount, PID, UTS, IPC) with an overlay of the machine's own root file system, reached by ssh alone,
as a host of a rack is. Nothing of the machine is changed: no named namespace, no link in its
network namespace, no file outside DIR. The package needs root and Python's standard library.

Why not munet, which FRR's topotests use and which starts four nodes in 1.5 s: its nodes end by a
SIGHUP that it waits for, and that took 30 s on Debian 12 where the lab has to be gone in 2; its
namespaces are kept by named mounts and pid files, which a killed run leaves behind. Here every
process lives below one PID namespace whose init is tied to the supervisor by PR_SET_PDEATHSIG:
whatever kills the supervisor, the kernel itself ends every process, and with the last process the
namespaces, links and mounts are gone. The price is some 300 lines of mount and link handling.

The package never imports `dpvs_acceptance`: the lab is reached over ssh exactly as hardware is,
and the only thing that it hands over is a bench file.
"""
