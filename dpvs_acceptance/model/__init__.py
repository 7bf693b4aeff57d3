"""Topologies, benches and requirements as frozen, cross-checked models."""
