"""What a producer does: submit, watch, collect, cancel.

Invariant: nothing here imports redis, or knows of workers.
"""
