"""When a process has done enough."""

import re

import pytest

from gatherq_worker.engine.recycling import RecycleLimits


@pytest.mark.parametrize(
    ("most_jobs", "most_memory", "started", "abandoned", "why"),
    [
        (None, None, 10**9, 0, ""),
        (100, None, 99, 0, ""),
        (100, None, 100, 0, "it has started 100 jobs"),
        (None, None, 5, 19, ""),
        (None, None, 5, 20, "20 executions do not end"),
        (None, 1, 0, 0, r"it has used [\d,]+ MiB of memory"),
        (None, 1 << 50, 0, 0, ""),
    ],
)
def test_a_process_is_worn_out_at_its_first_limit(most_jobs, most_memory, started, abandoned, why):
    assert re.fullmatch(why, RecycleLimits(most_jobs, most_memory).reached(started, abandoned))


def test_no_more_jobs_are_started_than_the_limit_allows():
    assert RecycleLimits(100, None).left(97) == 3
    assert RecycleLimits(None, None).left(10**9) > 10**9
