"""All that is asked of Redis: a method a step, a Lua file a step.

Invariant: a step reads and checks all before its first write; all but a claim may be repeated.
"""
