"""Streams of server-sent events, that tell a page when to look again.

Invariant: a stream carries no more than a page would show.
"""
