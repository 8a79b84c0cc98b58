"""Where claimed jobs run, and which of them may begin here and now; the others are parked.

Invariant: it starts no job, and decides no outcome.
"""
