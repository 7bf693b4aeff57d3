"""Traffic: frames sent and captured at client and real server, and the expected frames.

Independent of pytest, of topologies and of how a host is reached: a station gets a channel,
functions get plain facts, and both return frozen observations.
"""
