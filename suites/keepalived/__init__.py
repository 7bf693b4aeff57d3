"""DPVS's keepalived: what it sets up, how it checks real servers, and what it does then (S36)."""
