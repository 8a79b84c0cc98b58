"""How Python values become JSON, and come back as they were, or are refused.

Invariant: a value that would come back as another is refused where it is written.
"""
