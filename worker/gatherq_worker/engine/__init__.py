"""One worker's share of the queue: claim, start, renew, record, let go.

Invariant: every claim ends as one outcome that is recorded, or as one release.
"""
