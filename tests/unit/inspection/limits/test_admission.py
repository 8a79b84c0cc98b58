"""Which slots outside of the queue wait for workers alone."""

from datetime import UTC, datetime, timedelta

import pytest

from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.limits.admission import admissible, count_outside, inside_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=9), NOW - timedelta(seconds=9)


def batch(**fields):
    return BatchInfo(**{"id": "b", "size": 1000, "written": 1000, "outside": 800, **fields})


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 800),
        ({"deadline": LATER, "starts": EARLIER}, 800),
        ({"outside": 5000}, 1000),
        ({"cancelled_by": "me"}, 0),
        ({"deadline": EARLIER}, 0),
        ({"starts": LATER}, 0),
        ({"max_per_second": 5.0}, 0),
        ({"max_at_once": 200}, 0),
        ({"max_at_once": 150}, 0),
        ({"max_at_once": 250}, 50),
        ({"max_at_once": 250, "succeeded": 100}, 150),
        ({"max_at_once": 5000}, 800),
    ],
)
def test_a_limit_of_the_batch_is_no_want_of_workers(fields, count):
    assert admissible(batch(**fields), NOW) == count


def test_what_is_in_the_queue_or_at_work():
    assert inside_of(batch(succeeded=50)) == 150
    assert inside_of(batch(outside=5000)) == 0


def test_batches_are_counted_together_and_those_that_ended_not():
    over = batch(succeeded=1000)
    found = count_outside([batch(), over, batch(max_at_once=200), batch(outside=0)], NOW)
    assert (found.count, found.admissible) == (1600, 800)
