"""What is in force after a boot, worked out from the files in the order in which a boot reads them.

One module per mechanism turns text into effects, each with the line that it comes from; `sequence`
puts them in their order; `lasting` answers what a check asks: is it in force, and by which line, or
which line has no effect, why, and what to write instead. Pure.
"""
