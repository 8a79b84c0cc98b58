"""How a server is reached: URLs, connections, what its errors mean, and going on without it.

Invariant: nothing here knows of jobs or batches.
"""
