"""What there is, for people: batches, slots, workers, and how to say which of them is meant.

Invariant: nothing here changes anything; what reads Redis is `inspector.py` and `reading/` alone.
"""
