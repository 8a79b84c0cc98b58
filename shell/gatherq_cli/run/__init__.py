"""The commands that run jobs: `worker`, `dev`, and the probe of a worker.

Invariant: a command imports what it runs when it runs it, so that its help costs nothing.
"""
