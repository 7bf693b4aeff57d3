"""What is installed: packages, DPDK, modules, bindings, DPVS (deployment guide, 1.2 to 2.3)."""
