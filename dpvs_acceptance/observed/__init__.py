"""A snapshot as typed state, parsed on demand from text that is kept as evidence.

A stored snapshot gives the same state as a new one, so state checks of an old run can be repeated
without a lab.
"""
