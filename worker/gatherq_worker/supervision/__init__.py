"""Processes that look after processes.

Invariant: a dead worker's jobs are given back at once, and charged to those that caused the death.
"""
