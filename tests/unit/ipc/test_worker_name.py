"""Every worker has a name of its own."""

import os

from gatherq_worker.ipc.worker_name import new_worker_name


def test_many_workers_of_one_process_share_no_name():
    """Of 16 random bits two of 50 shared one in every fiftieth process."""
    names = [new_worker_name() for _ in range(5_000)]
    assert len(set(names)) == len(names)
    assert all(f".{os.getpid()}." in name for name in names)
