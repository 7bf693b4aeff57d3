"""Observed state: what a snapshot says, worked out."""
