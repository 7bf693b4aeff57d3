"""The part of a station that runs on the host: standard library only, Python 3.6 and later.

Its modules are sent over the channel as text and live in the host's memory alone; nothing is
written to the host's disk. ``station.py`` is the other end.
"""
