"""What packets must look like in each forwarding mode, one object per mode.

A mode knows how a connection is recognised at both sides, what its mapping is, and which frame
at the other side each sent frame becomes. A check asks the scene for the mode of a service and
does not care which one it is.
"""
