"""What people type.

Invariant: click alone is imported before a command runs.
"""
