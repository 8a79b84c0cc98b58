"""What a worker tells of itself in Redis, with its heartbeat.

Invariant: nothing here can fail a job or a renewal, and nothing decides by it.
"""
