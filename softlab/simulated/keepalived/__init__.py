"""A small keepalived of DPVS: its configuration, its checks of real servers, and what it does then.

Written from keepalived's manual page and from what is known of DPVS's version of it (2.0.19). It
has no VRRP. It talks to the simulated DPVS as the tools do.
"""
