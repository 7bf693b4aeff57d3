"""The catalogue of faults that the suite is proven with: what can be broken, and who must see it.

Data (`catalogue/*.yaml`) and its model; what injects them is `fixtures/faults.py`.
"""
