"""How a page is made: its templates, its links, and what stands in place of one that fails.

Invariant: no text of others is read as HTML, nor printed with control characters.
"""
