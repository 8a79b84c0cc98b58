"""The parts of `Inspector`: each asks the store about one kind of thing, and makes values of it.

Invariant: nothing here changes anything in Redis.
"""
