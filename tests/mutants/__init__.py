"""Takes each guard out of the Lua steps, and of what decides in Python: a test must see it.

`make mutants` runs it, CONTRIBUTING.md says how to add a guard.
"""
