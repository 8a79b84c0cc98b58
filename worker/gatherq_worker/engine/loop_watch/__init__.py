"""Keeps timeouts when the event loop cannot, from the thread of the heartbeat.

Invariant: it reads what the engine keeps, and changes it only on the loop's thread.
"""
