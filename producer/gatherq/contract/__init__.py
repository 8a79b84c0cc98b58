"""Values and formats that both sides read and write.

Invariant: pure; no I/O, no task, nothing of Redis or arq.
"""
