"""Words for people, the same in the shell and on the page: amounts, and how things stand.

Invariant: all of it is pure; what shows a text of others escapes it.
"""
