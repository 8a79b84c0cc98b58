"""The page of a pool: an ASGI application, and the command `gatherq web`.

Invariant: it keeps no state, so that a restart loses nothing, and two of them show the same.
"""
