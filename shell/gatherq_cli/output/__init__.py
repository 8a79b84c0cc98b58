"""How things are shown: tables on a terminal, tab-separated lines in a pipe, JSON where asked for.

Invariant: no text of others reaches a terminal with its control characters.
"""
