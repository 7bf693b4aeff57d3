"""The other end of a bond of the DUT: a switch with several cables to it (`python -m softlab.lag`).

`switch` decides which cable a frame takes, without I/O; `cables` has the sockets; `command` is what
a host of the lab takes a cable away with.
"""
