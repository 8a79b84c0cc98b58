"""What the commands about batches and slots print.

Invariant: nothing here asks Redis but through `Inspector`.
"""
