"""What the hash of a batch says of slots outside of the queue."""

import pytest

from gatherq.store.outside import NONE, outside_of

FIELDS = {
    "size": b"10",
    "gradual": b"1",
    "written": b"8",
    "admitted": b"5",
    "beyond": b"3",
    "again": b"2",
}


def test_what_is_written_and_not_admitted_is_outside():
    outside = outside_of(FIELDS)
    assert outside.total == 8 - 5 - 1 + 2  # of those beyond, 2 may be of the 2 that are not written
    there = [slot for slot in range(10) if outside.may_have(slot, is_again=slot == 2)]
    assert there == [2, 5, 6, 7]


def test_of_a_batch_that_is_written_as_a_whole_it_is_known_how_many_wait():
    assert outside_of({**FIELDS, "written": b"10"}).total == 10 - 5 - 3 + 2


@pytest.mark.parametrize("missing", ["size", "gradual"])
def test_a_batch_that_went_in_as_a_whole_has_no_outside(missing):
    assert outside_of({**FIELDS, missing: None}) == NONE
    assert outside_of({}).total == 0


@pytest.mark.parametrize("junk", [b"", b"-1", b"1e9", b"\xff", b"9" * 30, None])
def test_what_is_no_number_counts_as_not_given(junk):
    damaged = outside_of({**FIELDS, "admitted": junk, "beyond": junk, "again": junk})
    assert (damaged.admitted, damaged.beyond, damaged.again) == (8, 0, 0)
    assert damaged.total == 0
    assert outside_of({**FIELDS, "written": junk}).written == 10
    assert outside_of({**FIELDS, "size": junk}) == NONE


def test_a_count_that_cannot_be_is_no_more_than_the_batch():
    assert outside_of({**FIELDS, "again": b"9" * 15, "written": b"9" * 15}).total <= 20
