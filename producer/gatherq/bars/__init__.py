"""How far a batch is, as a bar: on a terminal, and in a notebook.

Invariant: a bar shows counts that it is given; it asks nobody.
"""
