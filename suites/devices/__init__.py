"""Devices on top of DPVS's ports: VLANs, tunnels, and their kni."""
