"""The checks, in the order in which an engineer deploys. One check proves what its marker names."""
