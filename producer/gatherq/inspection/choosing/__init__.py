"""Which slots somebody means who is about to act on them.

Invariant: it changes nothing; what it finds is how things were at the time of a look.
"""
