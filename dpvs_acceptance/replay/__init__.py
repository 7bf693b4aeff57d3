"""Replay of a stored run: hosts that answer from the transcript, stations from the captures.

The checks of the run are repeated on its evidence. A check that needs something that was not stored
raises `NotReplayed`.
"""
