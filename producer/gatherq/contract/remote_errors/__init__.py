"""Exceptions as data, and back.

Invariant: nothing that is named in Redis is ever imported.
"""
