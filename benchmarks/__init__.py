"""Benchmarks: figures to compare, never a test. `make bench`, and docs/benchmarks.md."""
