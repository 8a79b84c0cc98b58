"""Jobs that run by themselves: which are due, and the task that queues them.

Invariant: each time of a schedule is queued once among all workers, or is past when they come.
"""
