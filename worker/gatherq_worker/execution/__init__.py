"""Where a handler's code runs, and how it is stopped.

Invariant: whatever that code does stays inside: an execution ends as a result, never by raising.
"""
