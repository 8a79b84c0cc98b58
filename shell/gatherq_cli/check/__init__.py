"""The commands that tell whether all is well, what is set, and which command this is.

Invariant: what is wrong is decided by `gatherq.inspection.checks`; nothing here changes anything.
"""
