"""gatherq and the other job queues of Python on Redis, by one harness: `make bench-peers`.

The harness runs in `.venv` and knows no peer's library. Each peer has a virtual environment of its
own, in which `adapters/` runs its producer and its workers.
"""
