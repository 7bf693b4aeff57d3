"""The expected packets of each forwarding mode, one object per mode.

A mode recognises a connection at both sides and defines, for each sent frame, the expected frame at
the other side. A check gets the mode of a service from the scene and uses all modes in the same
way.
"""
