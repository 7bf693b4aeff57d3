"""Parsers fed with mutated recordings: `make fuzz`."""
