"""Measures how gatherq grows: with workers, with queued jobs, with time. `make bench-scale`.

Written to docs/scale.md. What it shares with the comparison of peers is imported from there.
"""
