"""Hosts: connections, readings in one round trip, and the write gate.

connection    Host: runs a command, starts a long-lived process; connect_all
batch         many read-only commands in one round trip
survey        commands that read a DUT, RS or client; snapshot: the frozen result
facts, netfacts, iproute, processes    the survey's sections as typed facts
gate          the only way to change a host; journal: the undo, stored on the host
lock          one run at a time on a host
compare       differences between two snapshots
testinfra_backend    testinfra's `host` object on the same connection
"""
