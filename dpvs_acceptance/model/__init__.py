"""What people declare: topologies, benches and requirements, as frozen, cross-checked models."""
