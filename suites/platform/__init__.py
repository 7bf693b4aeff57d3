"""The machine: CPU, memory, NICs, limits (seed 1.1, 2.1.3, 2.1.4)."""
