"""The tools of the simulated device, each a main() that a launcher calls."""
