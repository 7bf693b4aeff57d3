"""Recordings of a real DPVS build, made again and compared with the simulated one.

`make recordings DPVS_HOME=…`; what is known to differ is in docs/dpvs-builds.md.
"""
