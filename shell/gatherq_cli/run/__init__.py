"""The commands that serve: those that run jobs, the probe of a worker, the exporter.

Invariant: a command imports what it runs when it runs it, so that its help costs nothing.
"""
