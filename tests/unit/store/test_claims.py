"""Replies of the job steps, as values: reading them never raises."""

import pytest

from gatherq.store.claims import Deadline, batch_facts, claim_found, slot_in, text


@pytest.mark.parametrize(
    ("end", "size", "slot"),
    [("0", 1, 0), ("7", 8, 7), ("8", 8, None), ("-1", 8, None), ("07", 8, None), ("x", 8, None)],
)
def test_a_slot_is_a_number_of_the_batch_as_we_write_it(end, size, slot):
    assert slot_in(end, size) == slot


def test_facts_of_batches_come_in_sixes():
    first = [b"b", b"3", b"life", b"1700", b"1500", b"00-ab-cd-01"]
    facts = batch_facts([*first, b"c", b"1", b"", b"", b"", b"", b"odd"])
    assert facts["b"] == (3, "life", Deadline(1700, 1.5), "00-ab-cd-01")
    assert facts["c"] == (1, "", None, "")
    assert len(facts) == 2


def test_a_claim_of_a_batch_has_its_slot_and_one_without_has_none():
    found = claim_found(b"b:2", 4, 9, b"life", 3, b"{}")
    assert (found.batch, found.slot, found.life, found.number, found.claim) == (
        "b",
        2,
        "life",
        4,
        9,
    )
    alone = claim_found(b"cron:17", 1, 9, b"", -1, None)
    assert (alone.batch, alone.job_id, alone.payload) == (None, "cron:17", None)


def test_bytes_that_are_no_text_are_shown():
    assert text(b"a\xff") == r"a\xff"
