"""What is told to those who watch a worker from outside.

Invariant: none of their packages is imported, unless the user's code did so, or asked for it.
"""
