"""Who may look and act, and what a browser may do with what it is sent.

Invariant: whatever is not allowed by name is refused.
"""
