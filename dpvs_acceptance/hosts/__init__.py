"""Hosts: one connection each, what is read from them in one round trip, and the write gate."""
