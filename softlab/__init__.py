"""The lab in a box: hosts as namespaces, reached by ssh exactly as hardware is."""
