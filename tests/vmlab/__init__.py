"""The lab with a virtual machine. `make vmlab` runs these; `make test` does not."""
