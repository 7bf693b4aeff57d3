"""The machine: CPU, memory, NICs, limits (deployment guide, 1.1, 2.1.3, 2.1.4)."""
