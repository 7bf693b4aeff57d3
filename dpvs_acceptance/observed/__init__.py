"""What a snapshot says, typed: parsed when asked for, from text that is kept as evidence.

A stored snapshot gives the same answers as a fresh one, so the state checks of an old run can be
made again with no lab.
"""
