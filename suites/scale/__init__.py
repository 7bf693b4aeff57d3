"""Many services on one DPVS (upstream FWD-26, FWD-27)."""
