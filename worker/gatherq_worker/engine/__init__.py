"""One worker's share of the queue: claim jobs, execute them, renew leases, record outcomes.

Invariant: every claim ends as one outcome that is recorded, or as one release.
"""
