"""What people ask of Redis: batches, slots, workers, queues, as they stand in their keys.

Invariant: nothing here writes, and whatever stands in a key is read as something.
"""
