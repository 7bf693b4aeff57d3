"""From the results of checks to a verdict that can be signed.

`causes`: exceptions of library code and checks. `phases`: one result from setup, call and teardown
of a check. `outcomes`: the outcome of a requirement. `judging`: the verdict of the run. `signoff`:
the document. Everything is pure except the function that writes the file.
"""
