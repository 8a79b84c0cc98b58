"""What is told of one job where its code runs: in a worker, and in the process of a job.

Invariant: none of the packages that are told is imported, unless the user's code did so.
"""
