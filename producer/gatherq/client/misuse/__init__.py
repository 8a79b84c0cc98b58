"""What people give to a producer in place of calls, told at once.

Invariant: all of a batch is checked before anything is written; what is fine costs one look.
"""
