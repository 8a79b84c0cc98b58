"""Error groups: as a batch counts them, and as its slots tell of them."""

import json

import pytest

from gatherq.inspection.error_group import (
    ErrorGroup,
    collected_groups,
    counted_groups,
    in_order,
    merged,
)

from .samples import at, ended, failed, timed_out


def test_slots_that_differ_in_numbers_alone_are_a_group():
    slots = [failed(3, "no 17 left", finished=9), ended(4), failed(7, "no 4 left"), timed_out(8)]
    first, second = in_order(collected_groups(slots).values())
    assert (first.count, first.text, first.slots) == (2, "ValueError: no # left", (3, 7))
    assert (first.first, first.status, first.name) == (at(2), "failed", "fetch")
    assert (second.count, second.text) == (1, "timed out: execution limit of 2 s")
    assert first.signature != second.signature


def test_the_signature_of_a_record_is_that_of_its_group():
    (group,) = collected_groups([failed(0, "x", signature="00c0ffee")]).values()
    assert group.signature == "00c0ffee"


def test_a_group_names_ten_slots():
    (group,) = collected_groups(failed(slot, "x") for slot in range(50)).values()
    assert (group.count, group.slots) == (50, (*range(10),))


def test_what_a_batch_counts():
    said = {"text": "ValueError: #", "where": "jobs.py in f", "status": "failed", "name": "f"}
    found = counted_groups(
        {
            "groups": "00000001 00000002 00000003",
            "00000001": "7",
            "00000001:slot": "4",
            "00000001:text": json.dumps(said),
            "00000002": "0",
            "00000003": "1",
            "1|00000001": "9",
            "other": "3",
        }
    )
    assert found["00000001"] == ErrorGroup(signature="00000001", count=7, slots=(4,), **said)
    assert set(found) == {"00000001", "00000003", ""}
    assert [group.count for group in in_order(found.values())] == [7, 1, 3]


@pytest.mark.parametrize("junk", ["", "x", "[1]", '{"text": 1}', "-1", "9" * 40])
def test_junk_is_nothing(junk):
    fields = {"groups": f"00000001 {junk}", "00000001": junk, "other": junk}
    assert counted_groups(fields) == {}
    texts = {"groups": "00000001", "00000001": "1", "00000001:slot": "x", "00000001:text": junk}
    assert counted_groups(texts)["00000001"] == ErrorGroup(signature="00000001", count=1)


def test_the_count_stays_that_of_the_batch():
    counted = ErrorGroup(signature="00000001", count=70, slots=(4,))
    (seen,) = collected_groups([failed(4, "x"), failed(5, "x")]).values()
    both = merged(counted, seen)
    assert (both.count, both.text, both.slots, both.first) == (70, "ValueError: x", (4, 5), at(2))
    assert merged(counted, None) is counted
