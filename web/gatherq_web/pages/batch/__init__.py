"""The pages of one batch: as a whole, its slots, one of them, and its files.

Invariant: what they read at a time is bounded, but for the columns and the files of a whole batch.
"""
