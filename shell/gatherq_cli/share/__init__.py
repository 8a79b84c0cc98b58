"""The commands that write a batch into a file, for others.

Invariant: a file is written whole, once all of the batch is read; what it holds is made by
`gatherq.inspection.report`.
"""
