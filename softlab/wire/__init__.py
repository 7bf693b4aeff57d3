"""Faults of frames, on the cable between the DUT's ports and the lab's switch.

The cable is cut for as long as there are rules: each frame then passes through `engine`, which
drops, changes, delays, doubles or answers it as the rules say. The device behind the cable does not
matter: the simulated DPVS, a build of it, or anything else that stands in the DUT's place.

`rule` is the data of one fault, `addresses` what the wire knows of the deployment. `frame` and
`fields` take a frame apart and put it together again, `kinds` and `flows` say which frames a rule
is about, `actions` (and what it imports) what becomes of them. `cable` connects it all.
"""
