"""The command `gatherq`: what people type, and what they are shown.

Invariant: click alone is imported before a command runs.
"""
