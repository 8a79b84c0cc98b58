"""What the commands about workers, queues, jobs and events print.

Invariant: nothing here asks Redis but through `Inspector`.
"""
