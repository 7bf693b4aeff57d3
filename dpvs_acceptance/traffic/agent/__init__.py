"""The part of a station that runs on the host: standard library only, Python 3.6 and later.

Its modules are sent over the channel as text and loaded in memory; nothing is written to the host's
disk. ``station.py`` is its counterpart in the runner.
"""
