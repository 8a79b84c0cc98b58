"""Keeps timeouts when the event loop cannot, from the thread of the heartbeat.

Invariant: it reads copies, concludes by `Attempts.record` alone, and posts all else to the loop.
"""
