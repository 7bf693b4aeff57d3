"""DPVS's own IPv4 and IPv6, without any service (upstream's checklist, IP4 and IP6)."""
