"""From what single checks saw to a verdict that somebody can sign.

`causes` are what library code and checks raise, `phases` makes one result of a check's set-up, call
and teardown, `outcomes` judges a requirement, `judging` the run, `signoff` writes it down. All of
it is pure but for the one function that writes the file.
"""
