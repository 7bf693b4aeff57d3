"""The suite as a package, in an environment of its own."""
