"""The commands that look, and change nothing.

Invariant: all that they show comes from `gatherq.inspection`, for people and for programs alike.
"""
