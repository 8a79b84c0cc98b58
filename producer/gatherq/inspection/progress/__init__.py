"""How far a batch is, and how fast it goes.

Invariant: all of it is pure; what reads Redis is in `reading/`.
"""
