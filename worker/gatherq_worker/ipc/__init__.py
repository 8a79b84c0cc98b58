"""What the processes of one worker tell one another.

Invariant: nothing here imports redis or pydantic: a supervisor stays small.
"""
