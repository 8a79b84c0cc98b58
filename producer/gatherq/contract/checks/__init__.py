"""What is refused where a user writes it: settings of a job, arguments of a call.

Invariant: a message says what is wrong, which it is, and what to write.
"""
