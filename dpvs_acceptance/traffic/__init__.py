"""Traffic: frames sent and captured at client and real server, and what they must look like.

Nothing here knows pytest, topologies or how a host is reached: a station gets a channel, the
functions get facts, and both give frozen observations.
"""
