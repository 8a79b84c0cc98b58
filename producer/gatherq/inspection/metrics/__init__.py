"""What Prometheus is told of queues: one table of metrics, and samples of them.

Invariant: a name or label that is not in the table is exported nowhere, and none tells a batch, a
job's id or an error's text.
"""
