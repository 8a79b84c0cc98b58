"""What the processes of one worker tell one another.

Invariant: no module but `frames`, which a supervisor does not use, imports redis or pydantic.
"""
