"""For users' tests and demos.

Invariant: nothing of the product depends on it.
"""
