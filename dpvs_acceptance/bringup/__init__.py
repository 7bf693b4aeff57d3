"""Brings a deployment up and undoes it: stages of changes, each with its undo.

This package defines the changes; the write gate (`hosts/gate.py`) carries them out.
"""
