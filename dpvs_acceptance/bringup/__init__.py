"""From a deployment to a running DPVS and back: stages of changes, each with its undo.

Every change goes through the one write gate (`hosts/gate.py`); this room only says what is wanted.
"""
