"""A stored run in place of the lab: hosts that answer from the transcript, stations from captures.

The checks that ran then run again on what was seen then. What was not kept cannot be asked again:
`NotReplayed` says so.
"""
