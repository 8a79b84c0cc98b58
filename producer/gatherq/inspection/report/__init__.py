"""A batch as a whole: its slots as columns, and what is drawn of them: a page, a trace.

Invariant: everything here is pure; a batch of 100,000 slots costs seconds, and some hundred MB.
"""
