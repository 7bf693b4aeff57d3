"""Hosts: one connection each, what is read from them in one round trip, and the write gate.

connection    Host: run a command, open a long-lived one; connect_all
batch         many reading commands in one round trip
survey        what is read of a DUT, an RS, a client; snapshot: the frozen result
facts, netfacts, iproute, processes    the survey's sections as typed facts
gate          the one way in which a host is changed; journal: what undoes it, on the host
lock          one run at a time on a host
compare       what is not as it was
testinfra_backend    testinfra's `host` object on the same connection
"""
