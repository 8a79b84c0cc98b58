"""The same data as JSON, and a document of it for programs.

Invariant: what a page shows can be had here.
"""
