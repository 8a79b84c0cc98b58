"""When a process has done enough."""

import pytest

from gatherq_worker.engine.recycling import RecycleLimits


@pytest.mark.parametrize(
    ("most_jobs", "most_memory", "started", "abandoned", "out"),
    [
        (None, None, 10**9, 0, False),
        (100, None, 99, 0, False),
        (100, None, 100, 0, True),
        (None, None, 5, 19, False),
        (None, None, 5, 20, True),
        (None, 1, 0, 0, True),
        (None, 1 << 50, 0, 0, False),
    ],
)
def test_a_process_is_worn_out_at_its_first_limit(most_jobs, most_memory, started, abandoned, out):
    assert RecycleLimits(most_jobs, most_memory).out(started, abandoned) is out


def test_no_more_jobs_are_started_than_the_limit_allows():
    assert RecycleLimits(100, None).left(97) == 3
    assert RecycleLimits(None, None).left(10**9) > 10**9
