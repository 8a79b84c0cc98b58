"""All that is asked of Redis: a method a step, a Lua file a step.

Invariant: a step reads and checks all before its first write, and repeating it changes nothing.
"""
