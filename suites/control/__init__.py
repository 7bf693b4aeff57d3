"""What DPVS is configured to do, and says that it does (seed 2.4, 3)."""
