"""What a bar says of a batch."""

from gatherq.bars.bar import standing
from gatherq.store.batches import Counts


def test_what_limits_hold_back_is_told_beside_what_runs():
    counts = Counts(10, 2, 3, 0, 0, 0, 0, waiting=4)
    assert standing(counts, 0.0) == "3 ok, 2 running, 4 waiting, 0/s"
    assert standing(counts._replace(waiting=0), 0.0) == "3 ok, 2 running, 0/s"
