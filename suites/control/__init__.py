"""What DPVS is configured to do, and what it reports of itself (deployment guide, 2.4, 3)."""
