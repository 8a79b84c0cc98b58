"""What there is beside batches: the pool as a whole, its workers, jobs, queues and events.

Invariant: a page that is fetched again every two seconds looks at a queue once.
"""
