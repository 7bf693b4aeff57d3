"""What is installed: packages, DPDK, modules, bindings, DPVS itself (seed 1.2 to 2.3)."""
