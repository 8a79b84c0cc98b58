"""The commands that tell whether all is well, and what is set.

Invariant: what is wrong is decided by `gatherq.inspection.checks`; nothing here changes anything.
"""
