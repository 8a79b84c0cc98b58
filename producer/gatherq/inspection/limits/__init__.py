"""What limits hold back, and where it waits: lanes and gates.

Invariant: all of it is pure; what reads Redis is in `reading/`.
"""
