"""The faults that the suite is tested with: what is broken, and which requirement must turn red.

Data (`catalogue/*.yaml`) and its model; what injects them is `fixtures/faults.py`.
"""
