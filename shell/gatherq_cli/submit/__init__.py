"""The commands that submit jobs, and print what became of them.

Invariant: what waits for a job cancels it when it is interrupted, unless it was told to leave it.
"""
