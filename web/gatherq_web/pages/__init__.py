"""One module for each page; its functions answer GET, and change nothing.

Invariant: a page can be read without script.
"""
